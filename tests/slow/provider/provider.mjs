// A provider of OpenID Connect with two people, for tests: node provider.mjs PORT REDIRECT
import Provider from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const people = {
  kim: { email: 'kim@institute.example', email_verified: true, name: 'Kim Minji' },
  lee: { email: 'lee@institute.example', email_verified: false, name: 'Lee Jun' },
};
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'hub', client_secret: 'a secret of the hub', redirect_uris: [redirect] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  cookies: { keys: ['for tests only'] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
