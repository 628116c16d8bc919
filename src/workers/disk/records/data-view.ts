/**
 * The `DataView` of a byte array, cached per array. Reading words through it is several times cheaper than Buffer's
 * methods, but creating one is not.
 *
 * Thread: any.
 */

const views = new WeakMap<Uint8Array, DataView>();

/** A view of the same bytes, at the same offsets. */
export function dataViewOf(bytes: Uint8Array): DataView {
  let view = views.get(bytes);
  if (view === undefined) {
    view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    views.set(bytes, view);
  }
  return view;
}
