/** The rules about imports: rooms, levels, cycles, and what belongs in `src/shared`. */

import type { Finding } from './finding.ts';
import { isInside, levelOf, OPEN_TO, type Room, roomOf } from './rooms.ts';
import type { Import, Source } from './source.ts';

export function checkImports(sources: readonly Source[]): Finding[] {
  const files = new Map<string, Source>();
  for (const source of sources) {
    if (source.file.startsWith('src/')) files.set(source.file, source);
  }
  return [
    ...checkDirections(files),
    ...checkLevels(files),
    ...checkWorkerNames(files),
    ...checkCycles(files),
    ...checkShared(files),
  ];
}

function checkDirections(files: ReadonlyMap<string, Source>): Finding[] {
  const findings: Finding[] = [];
  for (const { file, imports } of files.values()) {
    const room = roomOf(file);
    if (room === undefined) findings.push({ file, line: 1, what: 'a file of src is in a room' });
    for (const { file: target, line } of imports) {
      if (target === undefined || room === undefined) continue;
      const targetRoom = roomOf(target);
      const isOutside = targetRoom === undefined && /^(?:src|test|scripts)\//.test(target);
      const isClosed = targetRoom !== undefined && !OPEN_TO[room].includes(targetRoom);
      if (isOutside || isClosed) {
        findings.push({ file, line, what: `src/${room} does not import ${target}` });
      }
    }
  }
  return findings;
}

/** Inside a folder with levels, imports point down. */
function checkLevels(files: ReadonlyMap<string, Source>): Finding[] {
  const findings: Finding[] = [];
  for (const { file, imports } of files.values()) {
    for (const { file: target, line } of imports) {
      if (target === undefined || !isInside(file, target)) continue;
      const from = levelOf(file, target);
      const to = levelOf(target, file);
      if (from !== undefined && to !== undefined && from.rank < to.rank) {
        findings.push({ file, line, what: `${from.name} is below ${to.name}: ${target}` });
      }
    }
  }
  return findings;
}

/** The main thread starts the workers by URL, which only one of its files contains. */
function checkWorkerNames(files: ReadonlyMap<string, Source>): Finding[] {
  const named: Finding[] = [];
  for (const { file, strings } of files.values()) {
    if (roomOf(file) !== 'main') continue;
    for (const { line, text } of strings) {
      if (!/(?:^|\/)workers\/[\w-]+\.[jt]s$/.test(text)) continue;
      named.push({ file, line, what: `"${text}": worker files are named in one file of src/main` });
    }
  }
  return new Set(named.map(({ file }) => file)).size > 1 ? named : [];
}

/** Walks down from each file; an import of a file that the walk has not left closes a cycle. */
function checkCycles(files: ReadonlyMap<string, Source>): Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (file: string): void => {
    path.push(file);
    for (const { target, line } of inside(files, file)) {
      const start = path.indexOf(target);
      if (start !== -1) {
        const cycle = [...path.slice(start), target].join(' → ');
        findings.push({ file, line, what: `a cycle of imports: ${cycle}` });
      } else if (!done.has(target)) walk(target);
    }
    path.pop();
    done.add(file);
  };
  for (const file of files.keys()) if (!done.has(file)) walk(file);
  return findings;
}

/** A file that only one room uses belongs in that room. */
function checkShared(files: ReadonlyMap<string, Source>): Finding[] {
  const users = new Map<string, Set<Room>>();
  for (const file of files.keys()) {
    const room = roomOf(file);
    if (room === undefined || room === 'shared') continue;
    const reached = new Set<string>();
    const reach = (at: string): void => {
      if (reached.has(at)) return;
      reached.add(at);
      for (const { target } of inside(files, at)) {
        if (roomOf(target) !== 'shared') continue;
        users.set(target, (users.get(target) ?? new Set<Room>()).add(room));
        reach(target);
      }
    };
    reach(file);
  }
  const findings: Finding[] = [];
  for (const file of files.keys()) {
    if (roomOf(file) !== 'shared') continue;
    const rooms = [...(users.get(file) ?? [])];
    if (rooms.length >= 2) continue;
    const by = rooms.length === 0 ? 'no room' : `only src/${rooms[0]}`;
    findings.push({ file, line: 1, what: `${by} uses this shared file` });
  }
  return findings;
}

/** The files of src that a file imports. */
function inside(
  files: ReadonlyMap<string, Source>,
  file: string,
): { target: string; line: number }[] {
  const imports: readonly Import[] = files.get(file)?.imports ?? [];
  const found: { target: string; line: number }[] = [];
  for (const { file: target, line } of imports) {
    if (target !== undefined && files.has(target)) found.push({ target, line });
  }
  return found;
}
