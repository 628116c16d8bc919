/** What the user of the page may do. Buttons show it; the broker decides. */

/** @type {readonly string[] | null} */
let roles = null;

/**
 * The roles that the broker names; none are named where everybody may do everything.
 * @param {readonly string[] | undefined} given
 */
export function setRoles(given) {
  roles = given ?? null;
}

/**
 * Whether the user has a role. An admin has all.
 * @param {string} role
 */
export function hasRole(role) {
  return roles === null || roles.includes('admin') || roles.includes(role);
}
