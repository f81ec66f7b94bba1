// Keys, timer, sign of life and drafts for the desk. Everything here also works by its visible button.

const card = document.querySelector(".card-page");
const token = document.querySelector("meta[name=csrf-token]").content;

// One key presses the button that shows it; never while typing, never with a modifier.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.body.dataset.singleKeys === "off") return;
  if (event.target.closest("input, textarea, select, [contenteditable]") && !isTick(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const button = document.querySelector(`button[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!button || button.disabled || button.hidden) return;
  event.preventDefault();
  button.click();
});

function isTick(element) {
  return element.matches("input[type=checkbox], input[type=radio], input[type=hidden]");
}

function post(address) {
  const body = new URLSearchParams({ csrf_token: token, fence: card.dataset.fence });
  return fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
}

if (card) {
  startTimer();
  keepLease();
  keepDraft();
  revealNumber();
  askForTime();
  document.getElementById("problem")?.focus();
}

function startTimer() {
  const shown = document.getElementById("timer");
  const started = Date.parse(card.dataset.started);
  const draw = () => {
    const seconds = Math.max(0, Math.round((Date.now() - started) / 1000));
    shown.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  draw();
  setInterval(draw, 1000);
}

function keepLease() {
  const beat = async () => {
    try {
      const answer = await post(card.dataset.heartbeat);
      if (answer.status === 409) document.getElementById("lease-lost").hidden = false;
    } catch {
      // the network is away for a moment; the next beat tries again, and the draft is kept
    }
  };
  setInterval(beat, 60_000);
}

function keepDraft() {
  const key = `draft-${card.dataset.task}-${card.dataset.fence}`;
  const form = document.getElementById("outcome");
  const fields = [...form.querySelectorAll("textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio])")];
  const kept = JSON.parse(sessionStorage.getItem(key) || "{}");
  for (const field of fields) if (!field.value && kept[field.name]) field.value = kept[field.name];
  form.addEventListener("input", () => {
    sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(fields.map((field) => [field.name, field.value]))));
  });
}

function revealNumber() {
  const form = document.getElementById("reveal");
  const shown = document.getElementById("number");
  if (!shown) return;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await post(form.action);
    const found = await answer.json();
    delete form.dataset.sent;
    if (found.problem) {
      shown.textContent = found.problem;
    } else {
      const link = document.createElement("a");
      link.href = `tel:${found.number}`;
      link.textContent = found.spoken;
      shown.replaceChildren(link);
      form.querySelector("button").hidden = true;
    }
    shown.hidden = false;
    shown.querySelector("a")?.focus();
  });
}

// "Call back" without a time asks for it instead of sending a form that would be refused.
function askForTime() {
  const button = document.querySelector("button[name=outcome][value=callback]");
  const when = document.getElementById("callback_at");
  button?.addEventListener("click", (event) => {
    if (when.value) return;
    event.preventDefault();
    when.focus();
    document.getElementById("live").textContent = "When shall they be called back?";
  });
}
