/**
 * @file Who may ask: on the loopback address anybody whose browser asks for it by that name, elsewhere and
 * where commands can be started whoever has the token. Pages of other origins may not.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

export interface GuardOptions {
  /** Absent: none is asked for. */
  token?: string
}

const REFUSED =
  'This studio asks for its token: open the whole address that espalier studio has printed, with what follows the ?.\n'

/** Refuses who may not ask. The token comes as `?token=`, once, and is a cookie from then on. */
export function guard({ token }: GuardOptions): MiddlewareHandler {
  // Browsers do not tell the ports of a host apart: a name of its own for each studio.
  const cookie = `espalier-${digestOf(token ?? '')
    .toString('hex')
    .slice(0, 12)}`
  return async (c, next) => {
    const { host = '' } = c.req.header() as { host?: string }
    // A name that others have pointed here (DNS rebinding) is none of this machine's.
    if (token === undefined && !isLoopback(host))
      return c.text(`expected the host 127.0.0.1 or localhost, found ${host.slice(0, 100)}\n`, 403)
    const origin = c.req.header('origin')
    if (origin !== undefined && origin !== `http://${host}`)
      return c.text('pages of other addresses may not ask this studio\n', 403)
    if (token !== undefined) {
      const given = c.req.query('token')
      if (given !== undefined && same(given, token)) {
        setCookie(c, cookie, token, { httpOnly: true, sameSite: 'Strict', path: '/' })
        return c.redirect(c.req.path)
      }
      if (!same(getCookie(c, cookie) ?? '', token)) return c.text(REFUSED, 401)
    }
    await next()
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
  }
}

/** Whether a host, with its port or without, is this machine by one of its own names. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** Compares in a time that says nothing of where they differ. */
const same = (given: string, token: string): boolean => timingSafeEqual(digestOf(given), digestOf(token))

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest()
