import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asPerson,
  comesTo,
  csv,
  hasFocus,
  letIn,
  owner,
  plan,
  signIn,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    return element?.getAttribute('aria-label') || element?.textContent?.trim() || element?.tagName;
  });

test('an address that leads nowhere says so, and leads on', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  for (const path of ['nonsense', 'projects/runs/x/y/z', 'chat/a/b/c']) {
    await page.goto(`/console/${path}`);
    await page.getByRole('heading', { name: 'There is no page here' }).waitFor();
    await comesTo(() => page.title(), /There is no page here · AOS$/);
  }
  await page.locator('aos-not-found-page').getByRole('link', { name: 'Agents' }).click();
  await page.waitForURL(/\/console\/agents$/);
  assert.deepEqual(faults, []);
  await close();
});

test('signing out in one tab signs out the other, which leads back to its page', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const other = await page.context().newPage();
  await other.goto('/console/monitor?range=1h');
  await other.waitForSelector('.live.live');
  // Both tabs hear of the end, on their sockets or with what they ask for, before the request for it is answered.
  const heard = Promise.all([
    page.waitForResponse((answer) => answer.status() === 401),
    other.waitForURL(/sign-in\?next=/),
  ]);
  await page.route('**/auth/logout', async (route) => {
    const response = await route.fetch();
    await heard;
    await route.fulfill({ response });
  });
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.waitForURL(/sign-in$/);
  await comesTo(() => page.getByText('Your session has ended').count(), 0);

  await other.getByText('Your session has ended').waitFor();
  await comesTo(() => focused(other), 'INPUT');
  await other.keyboard.type(owner.email);
  await other.fill('#password', owner.password);
  await other.keyboard.press('Enter');
  await other.waitForURL(/\/console\/monitor\?range=1h/);
  await close();
});

test('what is changed in one tab shows in the other', async () => {
  const { page, close } = await browser.open();
  await letIn(page);
  const other = await page.context().newPage();
  for (const tab of [page, other]) {
    await tab.goto('/console/settings/runtime');
    await tab.getByRole('button', { name: 'Add a secret' }).first().waitFor();
  }
  await page.getByRole('button', { name: 'Add a secret' }).first().click();
  await page.fill('#secret-name', 'SEEN_IN_BOTH');
  await page.fill('#secret-value', 'of no use');
  await page.locator('aos-dialog .btn.filled').click();
  for (const tab of [page, other])
    await tab.getByRole('cell', { name: 'SEEN_IN_BOTH', exact: true }).waitFor();
  await close();
});

test('a session that the server has ended shows at the next word with it', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  await api.send('POST', '/auth/logout');
  await page.waitForURL(/sign-in\?next=/);
  await page.getByText('Your session has ended').waitFor();
  await close();
});

test('a room whose files cannot be had leaves everything where it is, and is tried again', async () => {
  const { page, faults, close } = await browser.open();
  let isDown = false;
  // Nothing may be fetched ahead of its need here.
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
  });
  await page.route(/\/console\/chunk-|\/health\/live/, (route) =>
    isDown ? route.abort() : route.continue(),
  );
  await signIn(page);
  await page.fill('#goal', 'a draft that must stay');
  isDown = true;
  await page.locator('.rail').getByRole('link', { name: 'Agents' }).click();
  await page.getByRole('alert').getByText('The page could not be loaded').waitFor();
  await comesTo(() => page.inputValue('#goal'), 'a draft that must stay');
  isDown = false;
  await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click();
  await page.waitForURL(/\/console\/agents/);
  await page.locator('aos-agents-page').waitFor();
  await comesTo(() => page.getByText('The page could not be loaded').count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test('files that a new release took away load the new release, at the address that was wanted', async () => {
  const { page, close } = await browser.open();
  let isGone = false;
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
  });
  await page.route(/\/console\/chunk-/, (route) =>
    isGone ? route.fulfill({ status: 404, body: '' }) : route.continue(),
  );
  await signIn(page);
  await page.evaluate(() => (window.isOldRelease = true));
  isGone = true;
  page.once('framenavigated', () => (isGone = false));
  await page.locator('.rail').getByRole('link', { name: 'Agents' }).click();
  await page.locator('aos-agents-page').waitFor();
  assert.match(page.url(), /\/console\/agents$/);
  await comesTo(() => page.evaluate(() => window.isOldRelease), undefined);
  await close();
});

test('what befalls all of a page is told once above it, and tried again for all of it', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  await page.goto('/console/settings/preferences');
  await page.getByRole('heading', { name: 'Preferences' }).waitFor();
  const away = {
    code: 'unavailable',
    title: 'Not available right now',
    detail: '',
    traceId: 'f00',
  };
  const body = JSON.stringify({ type: 'about:blank', status: 503, ...away });
  let isAway = true;
  await page.route(/\/(rbac|proposals|config)\//, (route) =>
    isAway
      ? route.fulfill({ status: 503, contentType: 'application/problem+json', body })
      : route.continue(),
  );
  await page.getByRole('link', { name: 'People' }).click();
  const main = page.locator('main');
  await comesTo(
    () =>
      main
        .locator('aos-problem')
        .allInnerTexts()
        .then((all) => all.map((text) => text.split('\n')[0])),
    ['Not available right now', 'Not loaded', 'Changes that wait for a second person: not loaded'],
  );
  isAway = false;
  await main.getByRole('alert').getByRole('button', { name: 'Retry' }).click();
  await main.getByRole('cell', { name: owner.email }).waitFor();
  await comesTo(() => main.locator('aos-problem').count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test('what the palette runs presses nothing behind it, and the keys go on in the room it led to', async () => {
  const { page, close } = await browser.open();
  await letIn(page);
  await page.goto('/console/agents');
  await page.waitForSelector('.live.live');
  const run = async (words, there) => {
    await page.keyboard.press('Control+k');
    await hasFocus(page.locator('aos-palette input'));
    await page.keyboard.type(words);
    await page.locator('aos-palette [role=option]', { hasText: words }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL(there);
  };
  const inbox = page.locator('button.inbox');
  await inbox.focus();
  await run('Theme: dark', /agents$/);
  await comesTo(() => page.locator('dialog[open]').count(), 0);
  assert.equal(await page.locator('aside.drawer').count(), 0);
  await hasFocus(inbox);

  // What led there by itself goes with its page.
  await page.evaluate(() => document.activeElement.blur());
  await run('Monitor: logs', /monitor\/logs/);
  await hasFocus(page.locator('main'));
  await page.keyboard.press('c');
  await page.waitForURL(/\/chat$/);
  await hasFocus(page.locator('#goal'));
  await close();
});

test('the first Tab leads past the rail, and what slides over takes the focus and gives it back', async () => {
  const { page, close } = await browser.open();
  await letIn(page);
  await page.goto('/console/projects');
  await page.waitForSelector('.live.live');
  await page.keyboard.press('Tab');
  await comesTo(() => focused(page), 'Skip to the room');
  await page.keyboard.press('Enter');
  await comesTo(() => page.evaluate(() => document.activeElement.id), 'room');

  const inbox = page.getByRole('button', { name: /^Waiting for you: / });
  await inbox.focus();
  await page.keyboard.press('Enter');
  await page.locator('aside.drawer').waitFor();
  await comesTo(() => focused(page), 'Waiting for you');
  await page.keyboard.press('Escape');
  await page.locator('aside.drawer').waitFor({ state: 'detached' });
  await comesTo(() => focused(page), /^Waiting for you: /);
  await close();
});

test('the rail stays as it was pinned, and the account menu speaks both languages', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const width = () => page.locator('nav.rail').evaluate((rail) => rail.offsetWidth);
  const folded = await width();
  await page.getByRole('button', { name: 'Unfold the navigation' }).click();
  await comesTo(() => width(), 220);
  await page.reload();
  await page.waitForSelector('.live.live');
  await comesTo(() => width(), 220);
  await page.getByRole('button', { name: 'Fold the navigation' }).click();
  await comesTo(() => width(), folded);

  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('menuitem', { name: 'Language' }).click();
  await page.getByRole('menuitemradio', { name: '中文' }).click();
  await page.locator('.bar .title', { hasText: '对话' }).waitFor();
  await comesTo(() => page.evaluate(() => document.documentElement.lang), 'zh-CN');
  await close();
});

test('a narrow screen reaches every room from its bar of five', async () => {
  const { page, close } = await browser.open({ width: 390, height: 844 });
  await signIn(page);
  const bar = page.locator('nav.bottom');
  await comesTo(() => bar.locator('.entry').count(), 5);
  await bar.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Agents' }).click();
  await page.waitForURL(/\/console\/agents/);
  await comesTo(() => bar.locator('[aria-current=page]').innerText(), 'More');

  // However long the name of a project is, it stands beside the search and not over it.
  const api = await asPerson(page);
  const name = 'Wildlife counts at regional airfields of the northern districts';
  await api.send('POST', '/projects', { id: 'long-name', name });
  await page.goto('/console/projects?project=long-name');
  const scope = page.getByTestId('scope');
  await comesTo(() => scope.innerText(), name);
  const edge = (locator, side) =>
    locator.evaluate((element, of) => element.getBoundingClientRect()[of], side);
  const room = async () =>
    (await edge(page.locator('.jump'), 'left')) - (await edge(scope, 'right'));
  await comesTo(async () => (await room()) >= 0, true);
  await close();
});

test('over a slow line the frame comes first, and nothing that is there moves', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 300,
    downloadThroughput: 200_000,
    uploadThroughput: 90_000,
  });
  await page.addInitScript(() => {
    window.shifts = [];
    const { innerWidth: wide, innerHeight: high } = window;
    const screen = wide * high * Math.max(wide, high);
    /** As the browser reckons a shift, of one part of it alone. */
    const weight = ({ previousRect: a, currentRect: b }) =>
      ((a.width * a.height + b.width * b.height) *
        Math.max(Math.abs(a.x - b.x), Math.abs(a.y - b.y))) /
      screen;
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, sources } of list.getEntries()) {
        // Cards come in at the top of the stream and push the older ones down; that is what it is for. What is gone by
        // now has not moved, and cannot tell any more where it was.
        const moved = sources.filter(
          ({ node }) => node?.isConnected && !node.closest?.('aos-value-stream'),
        );
        const value = moved.reduce((sum, each) => sum + weight(each), 0);
        if (!hadRecentInput && value > 0.02)
          window.shifts.push({ value, of: moved.map(({ node }) => node.outerHTML ?? node.data) });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.reload();
  await page.waitForSelector('#goal');
  await page.waitForSelector('.live.live');
  await comesTo(() => page.evaluate(() => window.shifts), []);
  await close();
});

test('a viewer is offered nothing that could only be refused', async () => {
  const { page: admin } = await browser.open();
  await signIn(admin);
  const api = await asPerson(admin);
  const { artifactId } = await api.upload('data.csv', csv);
  const inputs = [{ name: 'data', artifactId }];
  await api.post('/api/chat/send', { text: 'Waits while a viewer looks', steps: plan, inputs });
  const password = 'a long enough password';
  const viewer = {
    email: `viewer-${Date.now()}@example.com`,
    name: 'Vera',
    password,
    role: 'viewer',
  };
  await api.post('/rbac/users', viewer);

  const { page, close } = await browser.open();
  await page.context().request.post('/auth/login', { data: { email: viewer.email, password } });
  await page.goto('/console/chat');
  await page.waitForSelector('.live.live');
  const card = page.locator('.stack', { hasText: 'Waits while a viewer looks' });
  await card
    .locator('aos-approval-card aos-state', { hasText: /^Waiting$/ })
    .first()
    .waitFor();
  await page.getByRole('heading', { name: 'Choose a conversation to read' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'New conversation' }).count(), 0);
  await page.getByRole('button', { name: 'Waiting for you: 0' }).waitFor();
  assert.equal(await page.locator('aos-value-stream .count').count(), 0);

  await page.keyboard.press('Control+k');
  await page.locator('aos-palette').getByText('Find a tool').waitFor();
  const offered = await page.locator('aos-palette [role=option]').allInnerTexts();
  assert.deepEqual(
    offered.filter((name) => /New|Create|Register|People|Audit|System settings/.test(name)),
    [],
  );
  await page.goto('/console/monitor');
  await page.locator('aos-overview-page').getByText('Stream lag').first().waitFor();
  await page.getByRole('button', { name: 'Waiting for you: 0' }).click();
  await page
    .locator('aside.drawer')
    .getByRole('heading', { name: 'Waiting', exact: true })
    .waitFor();
  assert.equal(await page.getByText('Waiting for you', { exact: true }).count(), 0);
  await page.goto('/console/settings/audit');
  await page.getByText('Your role may not see this.').waitFor();
  assert.equal(await page.locator('main .part :is(button, a)').count(), 0);
  await close();
});
