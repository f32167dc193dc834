import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { clientId, clientSecret, openTestProvider } from '../../backend/test/test-provider.mjs';
import { asPerson, base, comesTo, fits, letIn, seriousFaults, useBrowser } from './harness.mjs';
import { codeOf } from './totp.mjs';

const browser = useBrowser();
const password = 'correct horse battery';
let provider;
before(async () => {
  provider = await openTestProvider({ redirectUris: [`${base}/auth/providers/corp/callback`] });
});
after(() => provider.close());

/** What the settings are to be of signing in, and of what the gate lets through. */
async function set(owner, signIn, addresses) {
  const { config, version } = await owner.get('/config/system');
  config.security.signIn = signIn;
  config.gateway.httpAllowAddresses = addresses;
  await owner.put('/config/system', config, version);
}
const corp = (more = {}) => ({
  ...{ name: 'corp', label: 'Corp', issuer: provider.issuer, clientId },
  ...{ clientSecret: 'OIDC_E2E', createUsers: true, defaultRole: 'viewer' },
  ...{ roleClaim: 'groups', roles: [{ value: 'ops', role: 'operator' }], ...more },
});

test('people come in with a provider, connect an account that they have, and are told what went wrong', async () => {
  const { page: ownerPage, close: leaveOwner } = await browser.open();
  await letIn(ownerPage);
  const owner = await asPerson(ownerPage);
  await owner.put('/config/runtime/secrets/OIDC_E2E', { value: clientSecret });
  const email = `here-${randomUUID().slice(0, 8)}@example.test`;
  await owner.post('/rbac/users', { email, name: 'Here', password, role: 'viewer' });
  try {
    await set(owner, { providers: [corp()], password: 'owners' }, ['127.0.0.1']);

    // The owner tries it, and sees what the provider has to be told.
    await ownerPage.goto('/console/settings/system');
    await ownerPage.getByRole('button', { name: 'Try Corp' }).click();
    await ownerPage.getByText('It answers as a sign-in provider does').waitFor();
    await ownerPage.getByText(`${base}/auth/providers/corp/callback`).waitFor();

    // By keyboard, on a phone, to the page that was asked for.
    const name = `ada-${randomUUID().slice(0, 8)}`;
    provider.person = {
      ...{ sub: name, email: `${name}@example.test`, email_verified: true, name: 'Ada' },
      groups: ['ops'],
    };
    const { page, faults, close } = await browser.open({ width: 390, height: 844, theme: 'dark' });
    await page.goto('/console/sign-in?next=/settings/account');
    const button = page.getByRole('button', { name: 'Sign in with Corp' });
    await button.waitFor();
    assert.equal(await page.locator('#password').isVisible(), false);
    assert.deepEqual(await seriousFaults(page), []);
    await fits(page, 'the door');
    await button.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/console\/settings\/account/);
    await page.getByText(`${name}@example.test`).first().waitFor();
    await page.getByRole('button', { name: 'Disconnect Corp' }).waitFor();
    assert.equal(await page.locator('#password-now').count(), 0);
    await fits(page, 'the account');
    assert.deepEqual(await seriousFaults(page), []);

    // With a second factor of theirs, the code is asked for on the way back.
    const ada = await asPerson(page);
    const { secret } = await ada.post('/auth/second-factor', {});
    await ada.post('/auth/second-factor/confirm', { code: codeOf(secret, -1) });
    await page.context().clearCookies();
    await page.goto('/console/sign-in?next=/settings/account');
    await page.getByRole('button', { name: 'Sign in with Corp' }).click();
    await page.getByLabel('Code of your app').waitFor();
    await page.keyboard.type('000000');
    await page.keyboard.press('Enter');
    await page.getByText('The code is not right').waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    await page.fill('#code', codeOf(secret));
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/console\/settings\/account/);

    // Taken for somebody else by their address alone, in Chinese.
    provider.person = { ...provider.person, sub: `${name}-2`, email };
    const { page: door, close: shut } = await browser.open({ language: 'zh' });
    await door.goto('/console/sign-in');
    await door.getByRole('button', { name: '使用 Corp 登录' }).click();
    await door.getByText('已有使用你邮箱地址的账户').waitFor();
    assert.match(door.url(), /\/console\/sign-in/);
    assert.deepEqual(await seriousFaults(door), []);
    await door.reload();
    await door.getByRole('button', { name: '使用 Corp 登录' }).waitFor();
    await comesTo(() => door.getByText('已有使用你邮箱地址的账户').count(), 0);

    // With a password, which is for owners while it is.
    await door.getByRole('button', { name: '我是所有者，使用密码登录' }).click();
    await door.fill('#email', email);
    await door.fill('#password', password);
    await door.keyboard.press('Enter');
    await door.getByText('密码只供所有者使用', { exact: false }).first().waitFor();
    await shut();
    await set(owner, { providers: [corp()], password: 'everyone' }, ['127.0.0.1']);

    // And connected by the one whose it is.
    const { page: own, close: done } = await browser.open();
    await letIn(own, { email, password });
    await own.goto('/console/settings/account');
    await own.getByRole('button', { name: 'Connect Corp' }).click();
    await own.fill('#identity-password', 'not it');
    await own.keyboard.press('Enter');
    await own.getByText('The present password is not right').waitFor();
    await own.fill('#identity-password', password);
    await own.keyboard.press('Enter');
    await own.getByRole('button', { name: 'Disconnect Corp' }).waitFor();
    await own.context().clearCookies();
    await own.goto('/console/sign-in?next=/settings/account');
    await own.getByRole('button', { name: 'Sign in with Corp' }).click();
    await own.getByRole('button', { name: 'Disconnect Corp' }).waitFor();
    await own.getByText(email).first().waitFor();
    await own.getByRole('button', { name: /^Account of/ }).click();
    await own.getByRole('menuitem', { name: 'Sign out' }).click();
    const leaveThere = own.getByRole('link', { name: 'Sign out of Corp as well' });
    await leaveThere.waitFor();
    await leaveThere.click();
    await own.waitForURL(`${provider.issuer}/session/end?client_id=aos`);
    await done();

    await ownerPage.goto('/console/settings/people');
    const row = ownerPage.getByRole('row').filter({ hasText: `${name}@example.test` });
    await row.getByText('via corp').waitFor();
    await row.getByText('from a provider').waitFor();
    assert.deepEqual(faults, []);
    await close();
  } finally {
    await set(owner, { providers: [], password: 'everyone' }, []);
  }
  await leaveOwner();
});

test('providers are added, changed and taken away in the form of the settings', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const owner = await asPerson(page);
  const { config: before } = await owner.get('/config/system');
  const dialog = page.getByRole('dialog');
  const providers = () =>
    owner.get('/config/system').then(({ config }) => config.security.signIn.providers);
  const field = (name) => dialog.locator(`[id$="/signIn/providers/0/${name}"]`);
  const list = dialog.getByRole('group', { name: 'Providers', exact: true });
  async function save() {
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  }
  try {
    // A name that no address can hold is said at its field, and nothing is saved.
    await page.goto('/console/settings/system?edit=security');
    await list.getByRole('button', { name: 'Add item' }).click();
    await field('name').fill('Corp Inc');
    await field('label').fill('Corp');
    await field('issuer').fill(provider.issuer);
    await field('clientId').fill(clientId);
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByText('a small letter, then small letters, digits or -').first().waitFor();
    assert.deepEqual(await seriousFaults(page), [], 'the form with a fault');
    await field('name').fill('corp');
    await save();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(
      (await providers()).map(({ name, label, issuer }) => [name, label, issuer]),
      [['corp', 'Corp', provider.issuer]],
    );
    await page.getByRole('button', { name: 'Try Corp' }).waitFor();

    // Another title; what was not touched stays.
    await page.getByRole('button', { name: 'Edit Security' }).click();
    await field('label').fill('Corporation');
    await field('createUsers').check();
    // What only the server knows is said at its field as well.
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByText('needs a role').first().waitFor();
    await field('defaultRole').fill('viewer');
    await save();
    await dialog.waitFor({ state: 'detached' });
    const [changed] = await providers();
    assert.deepEqual(
      [changed.label, changed.createUsers, changed.clientId, changed.scopes],
      ['Corporation', true, clientId, ['profile', 'email']],
    );
    await page.getByRole('button', { name: 'Try Corporation' }).waitFor();

    await page.getByRole('button', { name: 'Edit Security' }).click();
    await list.getByRole('button', { name: 'Remove Item 1' }).first().click();
    await save();
    await dialog.waitFor({ state: 'detached' });
    assert.deepEqual(await providers(), []);
    await comesTo(() => page.getByRole('button', { name: /^Try / }).count(), 0);
    assert.deepEqual(faults, []);
  } finally {
    await set(owner, before.security.signIn, before.gateway.httpAllowAddresses);
  }
  await close();
});
