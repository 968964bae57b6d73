/**
 * @file Flags made from the settings of all methods, so that a setting that is added to a method is known to
 * the command without a line here.
 */
import type { Command } from 'commander'
import { z } from 'zod'
import { methods } from '../../methods/index.ts'
import type { Method, Section } from '../../methods/method.ts'
import { checkValue } from '../../util/check-schema.ts'

/** What people call the families of methods. */
const FAMILIES: Record<Section, string> = {
  scoring: 'scores',
  secondOrder: 'second order',
  layerwise: 'layer by layer',
}

interface SettingFlag {
  /** Such as `--block-size`. */
  flag: string
  /** By family: what it means there. */
  meanings: Map<Section, z.ZodType>
}

/** All settings of all methods by their key. */
const flags = new Map<string, SettingFlag>()
for (const { section, settings } of Object.values<Method>(methods))
  for (const [key, schema] of Object.entries<z.ZodType>(settings.shape)) {
    const named = schema.meta()?.flag ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const flag = flags.get(key) ?? { flag: `--${named}`, meanings: new Map() }
    flags.set(key, { ...flag, meanings: flag.meanings.set(section, schema) })
  }

/** Their keys among the options of the command, by the key of the setting: `blockSize` for `blocks`. */
export const settingKeys: ReadonlyMap<string, string> = new Map(
  [...flags].map(([key, { flag }]) => [key, flag.slice(2).replace(/-(.)/g, (_, letter) => letter.toUpperCase())]),
)

/** `--block-size` for `blocks`. */
export const settingFlag = (key: string): string => flags.get(key)?.flag ?? `--${key}`

/** Adds a flag for every setting. */
export function addSettingFlags(command: Command): Command {
  for (const { flag, meanings } of flags.values()) {
    const isSwitch = [...meanings.values()].every((schema) => innerOf(schema) instanceof z.ZodBoolean)
    command.option(isSwitch ? flag : `${flag} <value>`, description(meanings))
    // A switch that some methods turn on can be turned off.
    if ([...meanings.values()].some((schema) => schema.meta()?.negatable === true))
      command.option(flag.replace('--', '--no-'), `the opposite of ${flag}`)
  }
  return command
}

/** What a setting means; where families differ, what it means in each. */
function description(meanings: ReadonlyMap<Section, z.ZodType>): string {
  const texts = new Map<string, string[]>()
  for (const [section, schema] of meanings) {
    const text = (schema.description ?? '').replace(/\.$/, '')
    texts.set(text, [...(texts.get(text) ?? []), FAMILIES[section]])
  }
  const all = Object.keys(FAMILIES).length
  const [[text, families]] = texts
  if (texts.size === 1) return families.length === all ? lower(text) : `${families.join(', ')}: ${lower(text)}`
  return [...texts].map(([each, of]) => `${of.join(', ')}: ${lower(each)}`).join('; ')
}

const lower = (text: string) => (/^[A-Z][a-z ]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text)

const innerOf = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodDefault ? innerOf(schema.unwrap() as z.ZodType) : schema

/** What flags give of a method's settings, unchecked. */
export function givenSettings(method: Method, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.keys(method.settings.shape).map((key) => [key, given[settingKeys.get(key)!]] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** The settings of a method that flags give. Throws UserError, naming the flag. */
export function settingsFrom(method: Method, given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const settings = method.takes.flatMap((key): [string, unknown][] => {
    const value = given[settingKeys.get(key)!]
    if (value === undefined) return []
    return [[key, checkValue(method.settings.shape[key] as z.ZodType, numberOrText(value), settingFlag(key))]]
  })
  const found = Object.fromEntries(settings)
  method.check?.(found, settingFlag)
  return found
}

/** A number where a text is one. */
const numberOrText = (value: unknown): unknown =>
  typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value
