/**
 * Reads the JSON body of a request into texts, with the failures of Go's decoder.
 *
 * Bound: BODY_BYTES_MAX; a larger body is read as if it ended there.
 *
 * Thread: main. Source: Go's `json.Decoder` and `json.UnmarshalTypeError`.
 */

import { jsonMembers } from '../../daemon/go/json.ts';
import { scanJson } from '../../daemon/go/json-fault.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';

/** The fields, or what is wrong with the body. */
type BodyFields<Name extends string> =
  | { readonly fields: Readonly<Record<Name, string>> }
  | { readonly fault: string };

/** A valid body has fewer than 200 bytes. */
const BODY_BYTES_MAX = 64 * 1024;

/** Reads the body of a request. */
export function gatherFields<Name extends string>(
  exchange: Exchange,
  names: readonly Name[],
  onFields: (body: BodyFields<Name>) => void,
): void {
  exchange.gather(0, BODY_BYTES_MAX, ({ bytes }) => onFields(readFields(bytes.toString(), names)));
}

/** Reads a text. Names match in any case; what is missing or null is empty. */
function readFields<Name extends string>(text: string, names: readonly Name[]): BodyFields<Name> {
  const scan = scanJson(text);
  if ('fault' in scan) return scan;
  const first = text.slice(0, scan.end);
  // All names are set before the result is used.
  const fields = Object.fromEntries(names.map((name) => [name, ''])) as Record<Name, string>;
  const kind = kindOf(first.trim());
  if (kind === 'null') return { fields };
  if (kind !== 'object') {
    return { fault: `json: cannot unmarshal ${kind} into Go value of type ${structOf(names)}` };
  }
  let fault: string | undefined;
  for (const { key, source } of jsonMembers(first)) {
    const name = names.find((one) => one === key.toLowerCase());
    if (name === undefined) continue;
    const valueKind = kindOf(source);
    if (valueKind === 'string') fields[name] = String(JSON.parse(source));
    else if (valueKind !== 'null') {
      fault ??= `json: cannot unmarshal ${valueKind} into Go struct field .${name} of type string`;
    }
  }
  return fault === undefined ? { fields } : { fault };
}

function kindOf(source: string): string {
  switch (source[0]) {
    case '{':
      return 'object';
    case '[':
      return 'array';
    case '"':
      return 'string';
    case 'n':
      return 'null';
    case 't':
    case 'f':
      return 'bool';
    default:
      return 'number';
  }
}

/** The type's name in Go. */
function structOf(names: readonly string[]): string {
  const fields = names.map((name) => {
    const title = name.charAt(0).toUpperCase() + name.slice(1);
    return `${title} string "json:\\"${name}\\""`;
  });
  return `struct { ${fields.join('; ')} }`;
}
