/**
 * Encodes answers as Node's server does: status line, the answer's own fields, `Date`, `Connection`.
 *
 * Nearly all answers are the same `OK`; its bytes are built once a second.
 *
 * Thread: main.
 */

import { type Answer, OK, reasonPhrase } from '../../../daemon/http/answer.ts';
import type { Clock } from '../../../shared/clock.ts';

const NS_PER_MS = 1_000_000n;
const MS_PER_SECOND = 1000;

export class LaneAnswers {
  readonly #clock: Pick<Clock, 'unixNs'>;
  #second = -1;
  #date = '';
  /** `OK` on a connection that stays open. */
  #ok: Buffer = Buffer.alloc(0);

  constructor(clock: Pick<Clock, 'unixNs'>) {
    this.#clock = clock;
  }

  /** Updates the `Date`. Called once before the answers of a turn are encoded. */
  renew(): void {
    const second = Math.floor(Number(this.#clock.unixNs() / NS_PER_MS) / MS_PER_SECOND);
    if (second === this.#second) return;
    this.#second = second;
    this.#date = new Date(second * MS_PER_SECOND).toUTCString();
    this.#ok = this.of(OK, false);
  }

  /** This many times `OK`, on a connection that stays open. */
  oks(count: number): Buffer {
    return count === 1 ? this.#ok : repeated(this.#ok, count);
  }

  /** `isLast`: the connection is closed after this answer. */
  of({ status, headers, body }: Answer, isLast: boolean): Buffer {
    let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
    for (let index = 0; index < headers.length; index += 2) {
      head += `${headers[index]}: ${headers[index + 1]}\r\n`;
    }
    const connection = isLast ? 'close' : 'keep-alive';
    return Buffer.from(`${head}Date: ${this.#date}\r\nConnection: ${connection}\r\n\r\n${body}`);
  }
}

function repeated(bytes: Buffer, count: number): Buffer {
  const all = Buffer.allocUnsafe(bytes.length * count);
  for (let at = 0; at < all.length; at += bytes.length) bytes.copy(all, at);
  return all;
}
