/**
 * A user's name and password in an address, which no log line and no error may show.
 *
 * Thread: any.
 */

/** Replaces them. */
const HIDDEN = '***';
/** In an address, with or without a scheme: up to the last `@` of its authority. */
const OF_ADDRESS = /^([a-z][a-z\d+.-]*:\/\/)?[^/?#]*@/i;
/** In URLs within a text. */
const OF_URLS = /\/\/[^/?#\s"']*@/g;

/** The address without them. */
export function hideCredentials(address: string): string {
  return address.replace(OF_ADDRESS, (_all, scheme = '') => `${scheme}${HIDDEN}@`);
}

/** The text with every URL in it without them. */
export function hideCredentialsIn(text: string): string {
  return text.replace(OF_URLS, `//${HIDDEN}@`);
}
