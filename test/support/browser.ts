/**
 * The broker's page in a real browser: Debian's package `chromium`, or the program in CHROMIUM.
 *
 * Thread: main.
 */

import { spawnSync } from 'node:child_process';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { CleanUp } from './broker-process.ts';

const PROGRAM = process.env['CHROMIUM'] ?? 'chromium';
const found = spawnSync('sh', ['-c', `command -v ${PROGRAM}`], { encoding: 'utf8' });

/** False if there is a browser; otherwise the reason for skipping tests that need one. */
export const WITHOUT_BROWSER = found.status === 0 ? false : 'Chromium is not installed';

/** Errors that a page has reported: exceptions in scripts, and violations of its security policy. */
export type Complaints = string[];

export class BrowserSite {
  readonly complaints: Complaints = [];

  readonly #browser: Promise<Browser>;

  constructor(t: CleanUp) {
    this.#browser = chromium.launch({
      executablePath: found.stdout.trim(),
      // It runs as root on build machines, and shows only what this test serves.
      args: ['--no-sandbox'],
    });
    t.after(async () => (await this.#browser).close());
  }

  /** Opens an address in a separate window. The secret of a `user` is its name. */
  async open(
    url: string,
    context: { width?: number; colorScheme?: 'dark' | 'light'; user?: string } = {},
  ): Promise<Page> {
    const { width = 1280, colorScheme = 'dark', user } = context;
    const own = await (await this.#browser).newContext({
      viewport: { width, height: 900 },
      colorScheme,
      ...(user === undefined ? {} : { httpCredentials: { username: user, password: user } }),
    });
    const page = await own.newPage();
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
  }
}

/**
 * Goes to another view of the open page, and waits until it has replaced the one before. (`goto` ends when the address
 * has changed: text that is typed then may still go into the old view.)
 */
export async function showView(page: Page, hash: string): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    const hash = ${JSON.stringify(hash)};
    if (location.hash === hash) return resolve();
    addEventListener('hashchange', () => resolve(), { once: true });
    location.hash = hash;
  })`);
}
