// Moments that are nobody's but the reader's are shown in the reader's own time; without this they are in UTC.

const sameDay = (moment) => moment.toDateString() === new Date().toDateString();

export function ownTimes() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    if (time.title) continue; // done already
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    time.title = time.textContent;
    const day = sameDay(moment) ? {} : { month: "short", day: "numeric" };
    time.textContent = moment.toLocaleString("en-US", { ...day, hour: "numeric", minute: "2-digit" });
  }
}

ownTimes();
