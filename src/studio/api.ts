/**
 * @file What the studio's server tells its page, as JSON. Types alone: the page imports them, and nothing
 * else of the server. Shares are 0 to 1, times are milliseconds since 1970 unless a name says seconds.
 */
import type { EpochReport, PruneReport, RunResult } from '../experiment/run/events.ts'
import type { LayerCount } from '../sparsity/mask.ts'

/**
 * `running`: a process has the folder. `done`: it has its result. `stopped`: neither, so that it was
 * interrupted or killed, and can be resumed.
 */
export type RunState = 'running' | 'done' | 'stopped'

/** A run in the list: what its recipe and the end of its metrics say. */
export interface RunSummary {
  /** The path of its folder as the studio was given it: what addresses and messages call the run. */
  id: string
  state: RunState
  /** When its metrics changed last. */
  changed: number
  /** The sweep that it belongs to, by its folder. */
  sweep?: string
  name: string
  model: string
  data: string
  method: string
  seed: number
  /** The sparsity that the recipe asks for. */
  asked?: number
  /** Epochs that are over, of so many. */
  epoch: number
  epochs: number
  /** Of the last epoch: the mean loss, and the accuracy on held-out samples or, without any, as trained. */
  loss?: number
  accuracy?: number
  /** On the test set, of a run that is done. */
  test?: number
  /** The share of zeros among prunable weights, as last recorded. */
  sparsity?: number
  /** When it is expected to end, while it runs and once the speed is known. */
  ends?: number
  /** Why its files cannot be read. */
  problem?: string
}

/** The columns that a list is sorted by. */
export const sortKeys = [
  'changed',
  'id',
  'state',
  'method',
  'asked',
  'seed',
  'epoch',
  'loss',
  'accuracy',
  'test',
  'sparsity',
] as const
export type SortKey = (typeof sortKeys)[number]

/** How many runs there are in each state; `reading`: of how many the files are still to be read. */
export type Counts = Record<RunState, number> & { reading: number }

/** A part of the list. */
export interface RunPage {
  /** Of the runs that the filter leaves. */
  total: number
  offset: number
  rows: RunSummary[]
}

/** Told whenever something changed. */
export interface Change {
  counts: Counts
  /** Runs, by their ids, and folders of sweeps; absent: so many that all is to be asked for again. */
  ids?: string[]
}

/** An event of a run, in a few words, after so many steps. */
export interface RunNote {
  step: number
  kind: 'prune' | 'rewire'
  text: string
}

/** All that is shown of one run. */
export interface RunDetail {
  summary: RunSummary
  /** Of the recipe, one line. */
  about?: string
  epochs: EpochReport[]
  /** Lines of metrics that are no records. */
  unreadable: number
  prunings: Pick<PruneReport, 'step' | 'sparsity'>[]
  /** The last events, and how many there are in all. */
  notes: RunNote[]
  events: number
  /** Of the result, else of the last checkpoint. */
  layers?: LayerCount[]
  result?: RunResult
  /** Seconds of training so far, over all sessions, as of the last checkpoint or the result. */
  seconds?: number
  step?: number
  steps?: number
  /** Who has the folder, in words. */
  owner?: string
  /** Where it runs, and by what: names and values. */
  environment: [name: string, value: string][]
  /** The settings of the recipe, by dotted key. */
  settings: [key: string, value: string][]
  /** Whether it can be stopped from here, since it was started from here. */
  stoppable: boolean
}

/** A sweep in the list of sweeps. */
export interface SweepSummary {
  id: string
  name: string
  summary?: string
  changed: number
  /** Whether a process works on it. */
  running: boolean
  /** Runs that it has in all, and those of each state so far. */
  total: number
  counts: Record<RunState, number>
  failed: number
}

export interface SweepDetail extends SweepSummary {
  /** Runs that failed, with the reason of the last attempt. */
  failures: { run: string; attempt: number; reason: string }[]
  /** Whether it can be stopped from here, since it was started from here. */
  stoppable: boolean
}

/** A command that was started from the page. */
export interface Job {
  id: number
  /** The command as one would type it. */
  command: string
  /** The folder of the run or sweep. */
  out: string
  state: 'running' | 'stopping' | 'done' | 'stopped' | 'failed'
  started: number
  ended?: number
  /** What it wrote to standard error, where it failed. */
  error?: string
}

/** What can be started. */
export interface Startable {
  kind: 'recipe' | 'sweep'
  name: string
}

/** What the page has to know at first. */
export interface Studio {
  version: string
  /** The folders that are watched. */
  folders: string[]
  allowRun: boolean
  /** Whether the pages that prune and train are there. */
  playground: boolean
}
