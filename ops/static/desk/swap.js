// Forms marked data-swap are sent in the background, and what comes back takes the place of the page: the next card is
// there without its styles and scripts being read again, and a lost connection loses nothing that was typed.

let sending = false;
let again = null;

export function swapForms(swapped) {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-swap]")) return;
    if (event.defaultPrevented && !form.dataset.sent) return; // somebody asks for something first
    event.preventDefault();
    send(form, event.submitter, swapped);
  });
}

async function send(form, submitter, swapped) {
  if (sending) return;
  sending = true;
  document.body.classList.add("sending");
  const body = new URLSearchParams(new FormData(form, submitter));
  const stays = "stay" in form.dataset && submitter && `[name="${submitter.name}"][value="${submitter.value}"]`;
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Desk": "1" } });
    const page = await answer.text();
    if (answer.redirected && !isDesk(answer.url)) {
      leave(answer.url, page);
      return;
    }
    again = null; // what could not be sent before is not tried on another card
    show(page);
    swapped();
    settle();
    if (stays) document.querySelector(stays)?.focus();
  } catch {
    again = () => send(form, submitter, swapped);
    offline(true);
  } finally {
    sending = false;
    delete form.dataset.sent;
    document.body.classList.remove("sending");
  }
}

// Signed out, most likely: that is said here, beside what was typed, with the way back.
function leave(address, page) {
  const signedOut = document.getElementById("signed-out");
  if (!signedOut || new URL(address).pathname !== "/sign-in") return location.assign(address);
  const why = new DOMParser().parseFromString(page, "text/html").querySelector("#content .alert");
  if (why) document.getElementById("signed-out-why").textContent = why.textContent;
  signedOut.hidden = false;
  signedOut.querySelector("a").focus();
}

function isDesk(address) {
  return new URL(address).pathname === "/desk";
}

function show(page) {
  const found = new DOMParser().parseFromString(page, "text/html");
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close(); // it was about the card that goes
  document.title = found.title;
  document.getElementById("content").replaceChildren(...found.getElementById("content").childNodes);
  const badge = found.querySelector(".top");
  if (badge) document.querySelector(".top")?.replaceChildren(...badge.childNodes);
  document.querySelector("meta[name=csrf-token]").content = found.querySelector("meta[name=csrf-token]").content;
}

// Where the eyes and the screen reader go on: a problem first, else the title of the card.
function settle() {
  scrollTo(0, 0);
  const problem = document.getElementById("problem");
  const title = document.getElementById("card-title");
  (problem ?? document.getElementById("wrote-title") ?? title)?.focus({ preventScroll: true });
  const said = document.getElementById("saved")?.querySelector("p")?.textContent ?? "";
  announce(`${said} ${document.title.split(" · ")[0]}: ${title?.textContent ?? ""}`);
}

export function announce(words) {
  const live = document.getElementById("live");
  if (live) live.textContent = words;
}

export function offline(yes) {
  const shown = document.getElementById("offline");
  if (!shown) return;
  shown.hidden = !yes;
  const button = document.getElementById("try-again");
  button.hidden = !again;
  button.onclick = () => {
    shown.hidden = true;
    const retry = again;
    again = null;
    retry?.();
  };
}
