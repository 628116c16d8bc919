/**
 * Modules that are loaded when they are first needed, so that a start does not wait for what it does not use.
 *
 * Node's own modules are asked for with `process.getBuiltinModule`: an import statement reads all of a module's
 * exports, and some of them load further modules.
 *
 * Thread: any.
 */

/** Returns a function that loads once and returns the same value from then on. Errors: throws what `load` throws. */
export function atFirstUse<T>(load: () => T): () => T {
  let isLoaded = false;
  let loaded: T;
  return () => {
    if (!isLoaded) {
      loaded = load();
      isLoaded = true;
    }
    return loaded;
  };
}
