// The page on which a text or email is sent, as a dialog on the card, so that nothing typed there is left behind.
// Any link with data-send opens it; without this module the link leads to the page itself.

// The desk puts the next card in place of the last one without loading the page, so clicks are heard at the document.

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-send]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  if (document.querySelector("dialog[open]")) return;
  try {
    const panel = await panelOf(await fetch(link.href));
    if (!link.isConnected) return; // another card took the place of the one that was asked about
    if (panel) open(panel, link);
    else location.assign(link.href);
  } catch {
    note(link, "The network is away. Nothing was sent.");
  }
});

async function panelOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("send-panel");
}

function open(panel, link) {
  const dialog = document.createElement("dialog");
  dialog.className = "send-dialog";
  dialog.setAttribute("aria-label", "Send a text or email");
  show(dialog, panel, link);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
}

function show(dialog, panel, link) {
  const title = panel.querySelector("h1"); // the card has the page's only h1
  const lower = document.createElement("h2");
  lower.textContent = title.textContent;
  title.replaceWith(lower);
  dialog.replaceChildren(panel);
  panel.querySelector("[data-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    dialog.close();
  });
  for (const form of panel.querySelectorAll("form")) form.addEventListener("submit", (event) => send(event, dialog, link));
}

async function send(event, dialog, link) {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
    });
    if (answer.status === 401) {
      complain("You have been signed out. Nothing was sent: close this, and sign in again.", dialog);
      return;
    }
    const { said, problem } = await answer.json();
    if (said) tell(said, dialog, link);
    else await again(problem, dialog, link);
  } catch {
    button.disabled = false;
    complain("The network is away. It may have been sent: open this again to see.", dialog);
  }
}

function tell(said, dialog, link) {
  dialog.close();
  note(link, said);
}

function note(link, words) {
  const live = document.getElementById("live");
  if (live) live.textContent = words;
  if (link.nextElementSibling?.matches(".send-said")) link.nextElementSibling.remove();
  const shown = document.createElement("p");
  shown.className = "send-said";
  shown.textContent = words;
  link.after(shown);
}

async function again(problem, dialog, link) {
  const panel = await panelOf(await fetch(link.href));
  if (panel) show(dialog, panel, link);
  complain(problem || "It was not sent.", dialog);
}

function complain(problem, dialog) {
  dialog.querySelector(".alert")?.remove();
  const alert = document.createElement("p");
  alert.className = "alert alert-danger";
  alert.setAttribute("role", "alert");
  alert.textContent = problem;
  dialog.querySelector(".head, #send-panel").after(alert);
}
