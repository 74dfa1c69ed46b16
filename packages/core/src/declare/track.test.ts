import { describe, expect, test } from 'vitest'
import { type TrackOptions, track, trackAll, waive } from './track.js'

describe('track', () => {
  test('gives a frozen plain value, equal for equal declarations', () => {
    const declaration = track('billing.invoices', { exclude: ['b', 'a', 'a'], image: 'changed' })
    expect(declaration).toEqual({
      kind: 'track',
      table: { schema: 'billing', table: 'invoices' },
      options: { exclude: ['a', 'b'], image: 'changed' },
    })
    expect(Object.isFrozen(declaration) && Object.isFrozen(declaration.options)).toBe(true)
    expect(track('t', { requireContext: false })).toEqual(track('t'))
  })

  test.for([
    [{ only: ['a'], exclude: ['b'] }, /both only and exclude/],
    [{ exclude: ['a'], mask: ['a'] }, /in both exclude and mask/],
    [{ mask: ['a'], meta: ['a'] }, /in both mask and meta/],
    [{ exclude: ['a'], ignore: ['a'] }, /in both exclude and ignore/],
    [{ only: [] }, /at least one column/],
    [{ only: 'name' }, /at least one column/],
    [{ onyl: ['name'] }, /unknown option "onyl"/],
    [{ image: 'half' }, /image/],
    [{ requireContext: 'user' }, /requireContext/],
    [{ when: '' }, /when/],
    [{ when: { truncate: 'true' } }, /when/],
    [{ label: ' ' }, /label/],
  ])('refuses %o', ([options, message]) => {
    expect(() => track('t', options as TrackOptions)).toThrow(message as RegExp)
  })

  test.for([
    ['', /is empty/],
    ['a.b.c', /more than one dot/],
    ['a\0b', /NUL/],
    ['ä'.repeat(32), /more than 63 bytes/],
    [7, /cannot be named by 7/],
    [null, /cannot be named by null/],
  ])('refuses the table %o', ([table, message]) => {
    expect(() => track(table as string)).toThrow(message as RegExp)
  })

  test('takes an object for names with dots', () => {
    expect(track({ schema: 'a.b', table: 'c.d' }).table).toEqual({ schema: 'a.b', table: 'c.d' })
  })
})

test('trackAll and waive are plain values, too', () => {
  expect(trackAll({ except: ['log', 'public.cache'], mask: ['iban'] })).toEqual({
    kind: 'trackAll',
    schema: 'public',
    except: [
      { schema: 'public', table: 'log' },
      { schema: 'public', table: 'cache' },
    ],
    options: { mask: ['iban'] },
  })
  expect(waive('cache', 'rebuilt nightly')).toEqual({
    kind: 'waive',
    table: { table: 'cache' },
    reason: 'rebuilt nightly',
  })
})
