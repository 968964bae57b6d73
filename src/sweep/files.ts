/** @file What the folder of a sweep holds beside the folders of its runs. */

export const SWEEP_FILES = {
  /** Name, summary and the recipe of every run. */
  sweep: 'sweep.yaml',
  /** A line for every failure. */
  failures: 'failures.jsonl',
  /** The folder of beginnings that runs share. */
  trunks: 'trunks',
  report: 'report.md',
} as const
