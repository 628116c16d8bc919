/** Creates and updates elements without HTML text; writes only what differs. */

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Record<string, unknown>} Properties
 */

/**
 * Makes an element. Properties that begin with `on` are listeners, the others attributes; null and false leave one out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on') && typeof value === 'function') {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? '' : String(value));
    }
  }
  element.append(...children.filter(isChild));
  return element;
}

/**
 * Sets the text of an element where it differs.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Sets an attribute where it differs; null removes it.
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value
 */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Replaces all children.
 * @param {Element} element
 * @param {...Child} children
 */
export function setChildren(element, ...children) {
  element.replaceChildren(...children.filter(isChild));
}

/**
 * Makes the children of an element those of `keys`, in this order. Children with a known key stay as they are.
 * @template T
 * @param {Element} parent
 * @param {Map<string, T>} known by key; what is gone is removed from it
 * @param {readonly string[]} keys
 * @param {(key: string) => T} make
 * @param {(item: T) => Element} elementOf
 */
export function keepInOrder(parent, known, keys, make, elementOf) {
  const wanted = new Set(keys);
  for (const [key, item] of known) {
    if (wanted.has(key)) continue;
    elementOf(item).remove();
    known.delete(key);
  }
  let at = parent.firstElementChild;
  for (const key of keys) {
    let item = known.get(key);
    if (item === undefined) {
      item = make(key);
      known.set(key, item);
    }
    const element = elementOf(item);
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
}

/**
 * @param {Child} child
 * @returns {child is Node | string}
 */
function isChild(child) {
  return child !== null && child !== undefined && child !== false && child !== '';
}
