// The page on which a text or mail is sent, as a dialog on the card, so that nothing typed there is left behind.
// Any link with data-send opens it; without this module the link leads to the page itself.

// The card around it may be swapped for the next one: the document listens, not the link.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-send]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const panel = await panelOf(await fetch(link.href));
  if (!panel) location.assign(link.href);
  else open(panel, link);
});

async function panelOf(answer) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.getElementById("send-panel");
}

function open(panel, link) {
  const dialog = document.createElement("dialog");
  dialog.className = "send-dialog";
  dialog.setAttribute("aria-label", "Send a text or mail");
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
  const live = document.getElementById("live");
  if (live) live.textContent = said;
  const note = document.createElement("p");
  note.className = "send-said";
  note.textContent = said;
  link.after(note);
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
