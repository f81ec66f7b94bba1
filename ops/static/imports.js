// Imports: says before the upload that files are too large, and follows one that is being loaded.
// Without this the server says the same afterwards, and the page is refreshed by hand.

const MB = 1024 * 1024;
for (const form of document.querySelectorAll("form[data-max-mb]")) {
  const input = form.querySelector("input[type=file]");
  const most = Number(form.dataset.maxMb);
  input.addEventListener("change", () => {
    const size = [...input.files].reduce((sum, file) => sum + file.size, 0);
    const tooLarge = size > most * MB;
    input.setCustomValidity(tooLarge ? `These files have ${Math.ceil(size / MB)} MB; at most ${most} MB can be uploaded at once.` : "");
    if (tooLarge) input.reportValidity();
  });
}

const progress = document.querySelector("[data-progress]");
if (progress) follow(progress);

async function follow(section) {
  const live = section.querySelector("[data-live]");
  const number = new Intl.NumberFormat("en-US");
  let spokenAt = 0;
  for (;;) {
    await new Promise((done) => setTimeout(done, 1000));
    if (document.hidden) continue;
    let far;
    try {
      const answer = await fetch(section.dataset.progress, { headers: { Accept: "application/json" } });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) continue;
      far = await answer.json();
    } catch {
      continue; // the server is being restarted: the loading goes on without us
    }
    if (!far.going_on) return location.reload();
    section.querySelector("[data-words]").textContent = far.words;
    for (const [name, count] of Object.entries(far.counts)) {
      section.querySelector(`[data-count="${name}"]`).textContent = number.format(count);
    }
    for (const file of far.files) {
      section.querySelector(`[data-file="${file.id}"]`).textContent = file.finished ? "done" : `${number.format(file.rows)} rows`;
    }
    // a screen reader is told every five seconds, not every second
    if (Date.now() - spokenAt > 5000) {
      live.textContent = `${far.words}: ${number.format(far.counts.rows_read)} rows read`;
      spokenAt = Date.now();
    }
  }
}
