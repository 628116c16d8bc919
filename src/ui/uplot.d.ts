/** The charting library, which the broker serves under this name. */
export { default } from 'uplot';
