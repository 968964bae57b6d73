/** @file The flags of espalier inspect. */

export interface InspectOptions {
  program?: boolean
  model?: string
  batch?: number
  json?: boolean
}
