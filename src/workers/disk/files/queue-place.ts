/**
 * A place in a disk queue, and the order of places.
 *
 * Units: positions in bytes from the start of the segment.
 * Thread: any.
 */

/** A place in a queue. */
export interface QueuePlace {
  readonly segment: number;
  readonly position: number;
}

/** Whether one place is before another. */
export function isBefore(place: QueuePlace, other: QueuePlace): boolean {
  return (
    place.segment < other.segment ||
    (place.segment === other.segment && place.position < other.position)
  );
}
