// Puts the sign-up form, in a frame, where this script's tag stands. The link before it stays until the form is there.
(() => {
  const script = document.currentScript;
  const home = new URL(".", script.src);
  const { topics, lang, title } = script.dataset;
  const at = (path) => {
    const address = new URL(path, home);
    if (lang) address.searchParams.set("lang", lang);
    if (topics) address.searchParams.set("topics", topics);
    return address.href;
  };

  const before = script.previousElementSibling;
  let link = before?.matches("a") ? before : before?.querySelector("a");
  if (!link?.href.startsWith(home.href)) {
    link = document.createElement("a");
    link.href = at(".");
    link.textContent = title || "Sign up to our daily digest";
    script.before(link);
  }

  const frame = document.createElement("iframe");
  frame.src = at("embed/form");
  frame.title = title || "Sign up to our daily digest";
  frame.style.cssText = "display: block; width: 100%; height: 0; border: 0; border-radius: 10px";
  frame.addEventListener("load", () => frame.contentWindow.postMessage({ digestmail: "hello" }, home.origin));
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== home.origin || data?.digestmail !== "height") return;
    frame.style.height = `${Math.min(Math.max(Number(data.height) || 0, 0), 4000)}px`;
    link.style.display = "none";
  });
  script.after(frame);
})();
