// Comforts only: every page works without this file.

// The browser knows the reader's time zone; offer it until the reader has chosen one.
const zone = document.querySelector("select[data-guess]");
if (zone?.selectedOptions[0]?.defaultSelected) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...zone.options].some((option) => option.value === here)) zone.value = here;
}

// A mail in the local inbox gets a frame as high as itself.
const frame = document.querySelector(".mail iframe");
if (frame) {
  const fit = () => {
    const page = frame.contentDocument?.documentElement;
    if (!page) return;
    frame.style.height = "0";
    frame.style.height = `${page.scrollHeight}px`;
  };
  frame.addEventListener("load", fit);
  addEventListener("resize", fit);
  fit();
}
