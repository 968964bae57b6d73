/** @file The forms that exported metrics can have: one file for each run. */
import { eventFile, eventFileName, isEventFile } from './event-file.ts'
import type { ExportFormatName } from './format-names.ts'
import { pointsCsv } from './points-csv.ts'
import type { Point } from './scalars.ts'

interface ExportFormat {
  /** The name of a run's file; `started`: Unix seconds of its first point. */
  file(started: number): string
  /** Whether a file of that name was exported, and goes where the run is exported anew. */
  isExported(name: string): boolean
  content(points: readonly Point[]): string | Uint8Array[]
}

const CSV = 'metrics.csv'

export const exportFormats: Readonly<Record<ExportFormatName, ExportFormat>> = {
  tensorboard: {
    file: eventFileName,
    isExported: isEventFile,
    content: (points) => eventFile(points, points[0].time),
  },
  csv: { file: () => CSV, isExported: (name) => name === CSV, content: pointsCsv },
}
