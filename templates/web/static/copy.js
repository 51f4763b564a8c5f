// Comfort only: what is to be copied can be selected without this file.

for (const button of document.querySelectorAll("button[data-copies]")) {
  const actions = button.parentElement;
  actions.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copies);
    let done = false;
    try {
      await navigator.clipboard.writeText(text.value);
      done = true;
    } catch { // not over plain http, and not where the reader forbids it
      text.select();
      done = document.execCommand("copy");
    }
    actions.querySelector("[role=status]").textContent = done ? "Copied" : "Please press Ctrl+C";
  });
}
