/**
 * Credentials as they arrive: a token, or a user's name and password.
 *
 * Shape of a token: `<name>.<secret>`.
 * Thread: main. Source: RFC 6750 (Bearer), RFC 7617 (Basic).
 */

/** A name and a secret. */
export type Credentials = { readonly name: string; readonly secret: Buffer };

const SCHEME = /^(basic|bearer) +([A-Za-z0-9\-._~+/=]+)$/i;
const TOKEN_SEPARATOR = 0x2e;
const PASSWORD_SEPARATOR = 0x3a;

/** Splits a token; undefined if the text is not one. The secret is a copy. */
export function credentialsOfToken(token: Buffer): Credentials | undefined {
  return split(token, TOKEN_SEPARATOR);
}

/** Parses the header `Authorization`; undefined if it has neither form. */
export function credentialsOfHeader(field: string): Credentials | undefined {
  const [, scheme, text] = SCHEME.exec(field) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return split(Buffer.from(text, 'latin1'), TOKEN_SEPARATOR);
  return split(Buffer.from(text, 'base64'), PASSWORD_SEPARATOR);
}

function split(bytes: Buffer, separator: number): Credentials | undefined {
  const at = bytes.indexOf(separator);
  if (at <= 0 || at + 1 === bytes.length) return undefined;
  return { name: bytes.toString('utf8', 0, at), secret: Buffer.from(bytes.subarray(at + 1)) };
}
