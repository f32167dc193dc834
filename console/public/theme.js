// Runs before the first paint, so that a chosen theme does not flash. A file, not an inline script: the
// content security policy allows scripts of our own origin only.
try {
  const theme = localStorage.getItem('aos.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // A browser that forbids storage follows the system.
}

// The schema library compiles its checks with `new Function` unless it is told not to; the policy would refuse that.
globalThis.__zod_globalConfig = { jitless: true };
