import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { asPerson, comesTo, fits, hasFocus, letIn, seriousFaults, useBrowser } from './harness.mjs';
import { codeOf } from './totp.mjs';

const browser = useBrowser();
const password = 'correct horse battery';

/** A person of this test's own, made by the owner. */
async function somebody(role = 'viewer') {
  const { page, close } = await browser.open();
  await letIn(page);
  const owner = await asPerson(page);
  const email = `factor-${randomUUID().slice(0, 8)}@example.test`;
  const person = await owner.post('/rbac/users', { email, name: 'Factor', password, role });
  return { email, id: person.id, owner, close };
}

async function atTheDoor(page, email) {
  await page.goto('/console/sign-in?next=/settings/account');
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
}

test('a person sets up a second factor by keyboard, and signs in with a code and with a recovery code', async () => {
  const { email, close: leave } = await somebody();
  const { page, faults, close } = await browser.open();
  await atTheDoor(page, email);
  await page.getByRole('link', { name: 'Set up' }).click();
  await hasFocus(page.locator('#own-password'));
  assert.deepEqual(await seriousFaults(page), []);
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await page.getByText('The present password is not right').waitFor();
  await page.fill('#own-password', password);
  await page.keyboard.press('Enter');
  await page.getByRole('img', { name: 'QR code' }).waitFor();
  await hasFocus(page.locator('#first-code'));
  const secret = await page.getByTestId('secret').innerText();
  await page.keyboard.type('12345');
  await page.keyboard.press('Enter');
  await page.getByText('The code is not right').waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await page.fill('#first-code', codeOf(secret, -1));
  await page.keyboard.press('Enter');
  await page.getByTestId('recovery-codes').waitFor();
  const codes = await page.getByTestId('recovery-codes').locator('code').allInnerTexts();
  assert.equal(codes.length, 10);
  assert.deepEqual(await seriousFaults(page), []);
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('10 recovery codes left').waitFor();

  await page.context().clearCookies();
  await atTheDoor(page, email);
  await hasFocus(page.locator('#code'));
  await page.getByText(`You are ${email}`).waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await page.keyboard.type('000000');
  await page.keyboard.press('Enter');
  await page.getByText('The code is not right').waitFor();
  await page.fill('#code', codeOf(secret));
  await page.keyboard.press('Enter');
  await page.waitForURL(/settings\/account/);

  await page.context().clearCookies();
  await atTheDoor(page, email);
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(codes[3].toLowerCase());
  await page.keyboard.press('Enter');
  await page.getByText('9 recovery codes left').waitFor();

  await page.getByRole('link', { name: 'Manage' }).click();
  await page.getByRole('button', { name: 'New recovery codes' }).click();
  await page.fill('#present-code', codes[4]);
  await page.keyboard.press('Enter');
  await page.getByText('The old ones no longer count').waitFor();
  const [fresh] = await page.getByTestId('recovery-codes').locator('code').allInnerTexts();
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByRole('link', { name: 'Manage' }).click();
  await page.getByRole('button', { name: 'Turn off' }).click();
  await page.fill('#present-code', fresh);
  await page.keyboard.press('Enter');
  await hasFocus(page.locator('#own-password'));
  await page.getByRole('link', { name: 'Back' }).click();
  await page.getByRole('link', { name: 'Set up' }).waitFor();
  assert.deepEqual(faults, []);
  await close();
  await leave();
});

test('whose role has to have one is led to it, also when that is asked while they are in, and an owner helps who lost it', async () => {
  const { email, id, owner, close: leave } = await somebody();
  const role = `factor-${id.slice(0, 8)}`;
  await owner.post('/rbac/roles', { name: role, permissions: ['task.read'] });
  await owner.post('/rbac/bindings', { userId: id, role });
  const want = async (roles) => {
    const { config, version } = await owner.get('/config/system');
    config.security.secondFactor.roles = roles;
    await owner.put('/config/system', config, version);
  };
  const { page, faults, close } = await browser.open({ width: 390, height: 844 });
  await atTheDoor(page, email);
  await page.getByRole('link', { name: 'Set up' }).waitFor();
  try {
    await want([role]);
    await page.goto('/console/projects');
    await page.waitForURL(/second-factor\?next=/);
    await page.getByText('Your role must have one').waitFor();
    await fits(page, 'the second factor');
    await page.fill('#own-password', password);
    await page.keyboard.press('Enter');
    const secret = await page.getByTestId('secret').innerText();
    await fits(page, 'the secret');
    await page.fill('#first-code', codeOf(secret));
    await page.keyboard.press('Enter');
    await page.getByTestId('recovery-codes').waitFor();
    await fits(page, 'the recovery codes');
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.waitForURL(/\/console\/projects/);
  } finally {
    await want([]);
  }
  await close();

  const { page: there, close: leaveOwner } = await browser.open();
  await letIn(there);
  await there.goto('/console/settings/people');
  const row = there.getByRole('row').filter({ hasText: email });
  await row.getByText('Second factor').waitFor();
  await row.getByRole('button', { name: 'Actions for Factor' }).click();
  await there.getByRole('menuitem', { name: 'Take away the second factor' }).click();
  await there.getByRole('dialog').getByRole('textbox').fill(email);
  await there.getByRole('dialog').getByRole('button', { name: 'Take away', exact: true }).click();
  await there.getByRole('dialog').waitFor({ state: 'detached' });
  await comesTo(() => row.getByText('Second factor').count(), 0);
  await leaveOwner();
  assert.deepEqual(faults, []);
  await leave();
});
