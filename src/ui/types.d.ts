/**
 * What a broker (`src/main/http/ui`) or a fleet (`src/companions/admin/page`) sends to the page.
 * Units: rates per second, times in ms.
 */

/** A topic or a channel; of a topic, `topic` is its own name. */
export type Row = {
  topic: string;
  name: string;
  isPaused: boolean;
  isReplicated?: true;
  in: number | null;
  out: number | null;
  queued: number;
  depth: number;
  onDisk: number;
  inFlight: number;
  deferred: number;
  channels: number;
  consumers: number;
};

/** A broker of a fleet; `name` is its address, `topic` its host. The numbers are of it, or of one queue there. */
export type NodeRow = Row & {
  version: string;
  isOutOfDate: boolean;
  zone: string;
  /** nsqlookupds that list it. */
  lookups: string[];
  topics: number;
  tombstones: number;
  isTombstoned: boolean;
  /** Why it does not answer. */
  error: string | null;
  health: string;
  hasPage: boolean;
  startTimeMs: number;
};

/** A page of rows: `total` of all, `matched` of those that match the search. */
export type List = { total: number; matched: number; offset: number; rows: Row[] };

/** Sums of all topics. */
export type Totals = {
  topics: number;
  channels: number;
  consumers: number;
  queued: number;
  onDisk: number;
  inFlight: number;
  deferred: number;
  in: number | null;
  out: number | null;
};

/** Counters of a topic or a channel since the start. */
export type Counted = {
  messageCount: number;
  messageBytes?: number;
  requeueCount?: number;
  timeoutCount?: number;
  isPaused: boolean;
  isReplicated?: true;
  isExpiring?: boolean;
  /** Null for a fleet. */
  policies: string[] | null;
  policyCounts: Record<string, number>;
  latency: { quantile: number; value: number }[] | null;
};

/** A consumer of a channel. */
export type ConsumerRow = {
  client: string;
  host: string;
  address: string;
  agent: string;
  state: string;
  ready: number;
  inFlight: number;
  delivered: number;
  finished: number;
  requeued: number;
  ageMs: number;
  layers: string[];
  /** The broker that it is connected to, where several are shown. */
  broker?: string;
};

/** Threads, rings, memory and disk; counters are since the start. */
export type NodeData = {
  cpu: number;
  received: number;
  sent: number;
  failedInputs: number;
  refused: number;
  threads: { name: string; busy: number; turns: number; heapUsed: number; heapLimit: number }[];
  rings: { name: string; pump: number; disk: number | null; used: number; capacity: number }[];
  collections: { kind: string; count: number; seconds: number }[];
  memory: {
    resident: number;
    limit: number | null;
    external: number;
    buffers: number;
    messages: number;
    messagesLimit: number | null;
  };
  disk: { read: number; written: number; volume: Volume | null };
  commands: [string, number][];
  httpAnswers: [string, number][];
  boundsUs: number[];
  times: [string, number[]][];
  withoutHistory: number;
};

/** Where the data is. Units: bytes. */
export type Volume = { size: number; free: number; minFree: number };

/** The data of a frame's view. */
export type View = {
  missing?: boolean;
  list?: List;
  row?: Row;
  topic?: Counted;
  channel?: Counted;
  consumerCount?: number;
  consumers?: ConsumerRow[];
  node?: NodeData;
  /** Of a fleet: the brokers that have the topic or channel; one broker; the messages of all channels. */
  nodes?: NodeRow[];
  fleetNode?: NodeRow & { tombstoned: string[] };
  counter?: { messages: number; perSecond: number | null };
};

/** A line of the log; numbers start at 1. */
export type LogLine = { number: number; timeMs: number; level: string; text: string };

/** The data about the broker in every frame. */
export type Broker = {
  name: string;
  id: number;
  hasConfig: boolean;
  version: string;
  startTimeMs: number;
  health: string;
  isReady: boolean;
  isDraining: boolean;
  notReady: string[];
  connections: { used: number; max: number | null };
  httpConnections: number;
  memory: { used: number; max: number | null };
  disk: Volume | null;
};

/** A frame, which viewers receive once per second. */
export type Frame = {
  timeMs: number;
  broker: Broker;
  totals: Totals;
  /** Of a fleet. */
  brokers?: { total: number; answering: number };
  view: View;
  log?: LogLine[];
};

/** The last hour, oldest first; null where nothing was recorded. */
export type History = {
  endMs: number;
  intervalMs: number;
  in: (number | null)[];
  out: (number | null)[];
  depth: (number | null)[];
  inFlight: (number | null)[];
  deferred: (number | null)[];
};

/** A message, as `GET /messages` has it. */
export type Message = {
  id: string;
  state: 'ready' | 'deferred' | 'in-flight';
  published: string;
  attempts: number;
  due: string | null;
  deadline: string | null;
  consumer: { client_id: string; hostname: string; remote_address: string } | null;
  on_disk: boolean;
  size: number;
  encoding: 'text' | 'base64';
  body: string;
  truncated: boolean;
};

/** A filter for messages; empty for all. */
export type MessageFilter = { state: string; match: string };

/** Paths of the actions on all messages that a filter selects. */
export type ManyWork = 'message/requeue' | 'message/finish' | 'messages/move' | 'messages/purge';

/** A topic, or a channel of it. */
export type QueueNames = { readonly topic: string; readonly channel?: string };

/** Parameters of a request; empty ones are left out. */
export type Query = Record<string, string | number | boolean | undefined>;

/** The answer of a broker. */
export type Answer = { status: number; text: string };

/** The target of a view: one broker, or all of them together. */
export type Target = {
  /** Empty for all of them. */
  readonly name: string;
  /** The brokers that it is made of. */
  readonly nodes: readonly Target[];
  readonly mayPublish: boolean;
  /** Whether topics and channels can be made. */
  readonly mayCreate: boolean;
  /** Watches until the function that it returns is called. */
  watch(
    query: Query,
    onFrame: (frame: Frame) => void,
    onState: (state: string) => void,
  ): () => void;
  history(topic?: string, channel?: string): Promise<History | null>;
  /** Sends a request to each broker; throws the first refusal. */
  get(path: string, query?: Query): Promise<Answer[]>;
  send(method: string, path: string, query?: Query, body?: BodyInit): Promise<Answer[]>;
};

/** The dependencies of a view. */
export type Context = {
  readonly target: Target;
  /** Changes what is watched. */
  watch(query: Query): void;
};

/** The parts of a topic's or a channel's view that differ between pages. */
export type Panels = {
  readonly main: { readonly element: Node; onFrame(frame: Frame): void; close?(): void };
  readonly beside: Node | null;
  readonly selection?: Selecting;
};

/** Rows that are selected, and the buttons for them. */
export type Selecting = {
  readonly column: import('./table.js').Column<Row>;
  readonly element: HTMLElement;
  /** Called when another selection has to be shown. */
  onChange: (() => void) | undefined;
  /** Rows that are shown now. */
  showRows(rows: readonly Row[]): void;
};

/** A view in the page. */
export type Shown = {
  readonly title: string;
  readonly element: HTMLElement;
  onFrame?(frame: Frame): void;
  /** Where `/` puts the focus. */
  readonly search?: HTMLElement;
  close?(): void;
};
