/**
 * @file The Redis behind a queue. Where it cannot be used, one sentence says why; once it has answered, it is
 * waited for whenever it is away.
 */
import { Redis } from 'ioredis'
import { UserError } from '../../util/errors.ts'

/** BullMQ's advice; what it needs came with 5.0. */
const OLDEST = '6.2'

/** Milliseconds that the first answer may take. */
const PATIENCE = 5000

/**
 * Connects. Throws UserError where nobody answers, the password is wrong, the version too old, or it is no
 * Redis at all. `onChange` is told when it goes away later, and when it is back.
 */
export async function openRedis(url: string, onChange: (text: string) => void): Promise<Redis> {
  const place = placeOf(url)
  let opened = false
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    connectTimeout: PATIENCE,
    retryStrategy: (times) => (opened ? Math.min(100 * times, 2000) : null),
  })
  let problem: Error | undefined
  redis.on('error', (error) => {
    problem ??= error
  })
  const late = setTimeout(() => {
    problem ??= new Error(`no answer within ${PATIENCE / 1000} s`)
    redis.disconnect()
  }, PATIENCE)
  try {
    await redis.connect()
    const version = /^redis_version:(.*)$/m.exec(await redis.info('server'))?.[1].trim()
    if (!version) throw new Error('it does not say its version')
    if (isOlder(version, OLDEST))
      throw new UserError(`Redis at ${place} is version ${version}; expected ${OLDEST} or later`)
  } catch (error) {
    redis.disconnect()
    throw error instanceof UserError ? error : new UserError(sentence(place, problem ?? (error as Error)))
  } finally {
    clearTimeout(late)
  }
  opened = true
  let away = false
  redis.on('close', () => {
    if (away || redis.status === 'end') return
    away = true
    onChange(`Redis at ${place} went away; waiting for it`)
  })
  redis.on('ready', () => {
    if (!away) return
    away = false
    onChange(`Redis at ${place} is back`)
  })
  return redis
}

/** Without a password. */
function placeOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed?.hostname || !['redis:', 'rediss:'].includes(parsed.protocol))
    throw new UserError(
      `--redis: expected an address such as redis://:password@host:6379, found ${withoutPassword(url)}`,
    )
  return `${parsed.hostname}:${parsed.port || 6379}`
}

/** Whatever stands before the last @ may be a password. */
const withoutPassword = (url: string): string => url.replace(/^(\w+:\/\/)?.*@/s, '$1…@') || 'nothing'

function sentence(place: string, error: NodeJS.ErrnoException): string {
  const { message, code } = error
  if (/WRONGPASS|invalid password/i.test(message)) return `Redis at ${place} refused the password or user name`
  if (/NOAUTH|without any password configured/i.test(message))
    return `Redis at ${place} expects a password: redis://:password@${place}`
  if (/protocol error/i.test(message)) return `cannot use Redis at ${place}: what answers there is not Redis`
  const words: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'the name of the host could not be looked up',
    ETIMEDOUT: `no answer within ${PATIENCE / 1000} s`,
  }
  return `cannot use Redis at ${place}: ${words[code ?? ''] ?? message}`
}

/** Of versions by their first two numbers. */
function isOlder(version: string, than: string): boolean {
  const [[a, b], [c, d]] = [version, than].map((text) => text.split('.').map(Number))
  return a < c || (a === c && b < d)
}
