// Moments that are nobody's but the reader's are shown in the reader's own time; without this they are in UTC. The desk
// puts a new page in place of the old one without loading it: what is new there is looked at too.

const sameDay = (moment) => moment.toDateString() === new Date().toDateString();

function localise() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    delete time.dataset.local;
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.textContent;
    const day = sameDay(moment) ? {} : { weekday: "short", day: "numeric", month: "short" };
    time.textContent = moment.toLocaleString(undefined, { ...day, hour: "numeric", minute: "2-digit" });
  }
}

localise();
new MutationObserver(localise).observe(document.getElementById("content"), { childList: true });
