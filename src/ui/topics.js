/** What the views of topics share: the column with names, and the button that creates one. */

import { askForName, say } from './dialogs.js';
import { badgesOf, button, topicPath } from './parts.js';

/** @param {import('./types.d.ts').Target} target */
export function newTopicButton(target) {
  return button('New topic', () =>
    askForName({
      title: 'New topic',
      label: 'Name: letters, digits, dots, dashes and underscores',
      action: 'Create',
      work: async (name) => {
        await target.send('POST', 'topic/create', { topic: name });
        say(`Created ${name}`);
        location.hash = topicPath(name);
      },
    }),
  );
}

/**
 * @param {(row: import('./types.d.ts').Row) => [text: string, tone?: string][]} [badges]
 * @param {(row: import('./types.d.ts').Row) => string} [href]
 * @returns {import('./parts.js').RowColumn}
 */
export function topicColumn(badges = badgesOf, href = (row) => topicPath(row.name)) {
  return {
    key: 'name',
    label: 'Topic',
    isText: true,
    isWide: true,
    text: (row) => row.name,
    href,
    badges,
  };
}
