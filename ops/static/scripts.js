// The script editor: how it sounds while it is typed, jumps into the text, variables at the cursor. Works without, too.
const form = document.getElementById("editor");
const body = document.getElementById("body");
const preview = document.querySelector(".preview");
const WAIT_MS = 350;

let timer;
let asked = 0;

async function refresh() {
  const mine = ++asked;
  const typed = new FormData(form);
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: typed, headers: { Accept: "application/json" } });
    if (!answer.ok || mine !== asked) return; // the next key asks again
    const fresh = await answer.json();
    for (const part of ["preview", "outline", "checks"]) {
      const place = document.getElementById(part);
      const open = place?.querySelector("details")?.open;
      if (place) place.innerHTML = fresh[part];
      if (open) place.querySelector("details")?.setAttribute("open", "");
    }
    preview.classList.remove("stale");
  } catch {
    // no network: what was typed stays where it is, and the button is there
  }
}

function soon() {
  preview.classList.add("stale");
  clearTimeout(timer);
  timer = setTimeout(refresh, WAIT_MS);
}

for (const field of [body, document.getElementById("subject")]) field?.addEventListener("input", soon);
for (const field of [document.getElementById("practice"), document.getElementById("long")]) field?.addEventListener("change", refresh);
form.querySelector("[data-refresh]").hidden = true; // it shows by itself

// A jump puts the cursor where the part begins, and shows it in the preview.
document.getElementById("outline")?.addEventListener("click", (event) => {
  const jump = event.target.closest("a");
  if (!jump) return;
  event.preventDefault();
  const lines = body.value.split("\n");
  const line = Number(jump.dataset.line);
  const end = lines.slice(0, line + 1).join("\n").length; // nothing selected: the next key must not take the heading away
  body.focus();
  body.setSelectionRange(end, end);
  body.scrollTop = (body.scrollHeight / Math.max(lines.length, 1)) * Math.max(line - 2, 0);
  const part = document.querySelector(jump.getAttribute("href"));
  if (part) preview.scrollTop += part.getBoundingClientRect().top - preview.getBoundingClientRect().top - 48;
});

// The names of variables become buttons that put them in at the cursor.
for (const code of document.querySelectorAll("code[data-insert]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = code.textContent;
  button.addEventListener("click", () => {
    body.setRangeText(button.textContent, body.selectionStart, body.selectionEnd, "end");
    body.focus();
    changed = true;
    soon();
  });
  code.replaceWith(button);
}

// Leaving with something unsaved is asked about.
let changed = false;
form.addEventListener("input", (event) => {
  if (event.target.matches("textarea, #subject, #note")) changed = true;
});
form.addEventListener("submit", () => (changed = false));
addEventListener("beforeunload", (event) => {
  if (changed) event.preventDefault();
});
