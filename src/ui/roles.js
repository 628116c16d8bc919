/** The user's roles. Buttons show them; the broker enforces them. */

/** @type {readonly string[] | null} */
let roles = null;

/**
 * The roles that the broker reports; none if there is no access control.
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
