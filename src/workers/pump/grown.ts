/** The typed arrays that tables of messages are made of. */
type TypedArray = Uint32Array | Uint16Array | Uint8Array | Float64Array | Int32Array;

/**
 * A copy of a typed array with twice its length.
 *
 * Thread: any.
 */
export function grown<T extends TypedArray>(array: T, kind: new (length: number) => T): T {
  const larger = new kind(array.length * 2);
  larger.set(array);
  return larger;
}
