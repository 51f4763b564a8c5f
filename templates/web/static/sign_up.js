// Comforts of the sign-up form: what is wrong is said at once, and the lines around it follow the choices.
// Nobody is told of a field before having left it.

const form = document.querySelector(".sign-up");
const { email } = form.elements;
const topics = form.querySelector("#topics");
const places = { topics, email };
const changed = new Set();

const faultOf = {
  topics: () => (form.querySelector("[name=topics]:checked") ? "" : "missing"),
  email: () => {
    const typed = email.value.trim();
    if (!typed) return "missing";
    const at = typed.lastIndexOf("@");
    if (at < 0) return "at";
    const domain = typed.slice(at + 1).replace(/^\.+|\.+$/g, "");
    if (at && !/[.。．｡]/.test(domain)) return "dot";
    return !at || /\s/.test(typed) ? "slip" : "";
  },
};

const tellingPlace = (name) => form.querySelector(`[data-tells="${name}"]`);
const isTold = (name) => tellingPlace(name).childElementCount > 0;

// Says what is wrong with a field, or that nothing is any more; true where something is.
function tell(name) {
  const place = tellingPlace(name);
  const fault = faultOf[name]();
  const words = fault ? place.dataset[fault] : "";
  if (words !== place.textContent.trim()) {
    const problem = document.createElement("p");
    Object.assign(problem, { className: "problem", id: `${name}-problem`, textContent: words });
    place.replaceChildren(...(fault ? [problem] : []));
  }
  if (fault) places[name].setAttribute("aria-describedby", `${name}-problem`);
  else places[name].removeAttribute("aria-describedby");
  if (name === "email") email.setAttribute("aria-invalid", String(Boolean(fault)));
  return Boolean(fault);
}

// A message that appears while the button is being pressed would push it away from under the pointer.
let pressing = false;
form.addEventListener("pointerdown", (event) => { pressing = Boolean(event.target.closest("button")); });
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => { pressing = false; });

for (const [name, place] of Object.entries(places)) {
  place.addEventListener("input", () => {
    changed.add(name);
    if (isTold(name)) tell(name);
  });
  place.addEventListener("focusout", (event) => {
    if (changed.has(name) && !pressing && !place.contains(event.relatedTarget)) tell(name);
  });
}

form.addEventListener("submit", (event) => {
  const [first] = Object.keys(places).filter(tell);
  if (!first) return;
  event.preventDefault();
  form.querySelector(".notice.bad")?.remove();
  (first === "topics" ? topics.querySelector("input") : email).focus();
});

// The line that says when the digest comes.
function show() {
  for (const select of form.querySelectorAll(".when select")) {
    form.querySelector(`[data-shows="${select.name}"]`).textContent = select.selectedOptions[0].text;
  }
}
form.querySelector(".when").addEventListener("change", show);
addEventListener("pageshow", show);

// The sample shows what is ticked. Replacing its address keeps it out of the browser's history.
const sample = document.querySelector(".taste iframe");
const link = document.querySelector(".taste-link a");
let waiting;
function follow() {
  const address = new URL(link.href);
  const ticked = [...form.querySelectorAll("[name=topics]:checked")].map((box) => box.value).join();
  if (ticked) address.searchParams.set("topics", ticked);
  else address.searchParams.delete("topics");
  link.href = address;
  if (sample.getClientRects().length) sample.contentWindow.location.replace(address);
}
if (sample) {
  topics.addEventListener("change", () => {
    clearTimeout(waiting);
    waiting = setTimeout(follow, 400);
  });
}
