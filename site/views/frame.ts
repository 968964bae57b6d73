/** @file The room of a chart: its axes, and where a value lies in pixels. */
import type { LinearOptions, Scale, ScaleKind } from './scale.ts'

export interface Axis extends LinearOptions {
  title: string
  kind: ScaleKind
  /** A value of it as text. */
  shown(value: number): string
}

/** Pixels, and the scales of both axes. */
export interface Frame {
  width: number
  height: number
  left: number
  right: number
  top: number
  bottom: number
  x: Scale
  y: Scale
}

export const placeOf = (
  { width, height, left, right, top, bottom, x, y }: Frame,
  point: { x: number; y: number },
): { px: number; py: number } => {
  return {
    px: left + x.place(point.x) * (width - left - right),
    py: height - bottom - y.place(point.y) * (height - top - bottom),
  }
}
