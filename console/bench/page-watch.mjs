/** Runs in every page of the benchmark before anything else does, and notes what only a page can see. */
export function watchPage() {
  const watch = {
    frames: [],
    tasks: [],
    inputs: [],
    shown: {},
    start() {
      watch.frames = [];
      watch.tasks = [];
      watch.inputs = [];
      watch.isOn = true;
      let last;
      const frame = (now) => {
        if (last !== undefined) watch.frames.push(now - last);
        last = now;
        if (watch.isOn) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    },
    stop() {
      watch.isOn = false;
      const { frames, tasks, inputs } = watch;
      return { frames, tasks, inputs };
    },
    /** The time of the frame after the one in which the text came to stand somewhere below `selector`. */
    whenPainted(selector, text) {
      return new Promise((resolve) => {
        const look = () => {
          if (!document.querySelector(selector)?.textContent.includes(text)) return false;
          observer.disconnect();
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(Date.now())));
          return true;
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
        look();
      });
    },
  };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) if (watch.isOn) watch.tasks.push(duration);
  }).observe({ type: 'longtask' });
  // From the press to the end of the frame that holds the letter, as the page's own thread sees it. The browser's
  // Event Timing waits for the presentation, which without a graphics card comes with the next damage: half a second
  // later on a page at rest, and sooner the busier the page is.
  document.addEventListener(
    'keydown',
    ({ timeStamp }) => {
      if (!watch.isOn) return;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => watch.inputs.push(performance.now() - timeStamp);
        port2.postMessage(null);
      });
    },
    { capture: true },
  );

  // When the first page of this document can be worked with: the composer takes letters, and is on the screen.
  const isUsable = () => {
    const goal = document.querySelector('#goal');
    return goal && !goal.disabled && goal.offsetHeight > 0;
  };
  const observer = new MutationObserver(() => {
    if (!isUsable()) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (watch.usableMs = performance.now())));
  });
  observer.observe(document, { subtree: true, childList: true, attributes: true });
  window.aosWatch = watch;
}
