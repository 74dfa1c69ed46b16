import type { Auditrum } from '@auditrum/core'

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)

/** Each is asked of another row, user or moment every time. */
export const questions: Readonly<
  Record<string, (audit: Auditrum, turn: number) => Promise<unknown>>
> = {
  'a row yesterday': (audit, turn) => audit.rowAsOf('orders', 1000 + turn, daysAgo(1)),
  'a row a year ago': (audit, turn) => audit.rowAsOf('orders', 2000 + turn, daysAgo(365 + turn)),
  'a row that changes 280 times a month, a year ago': (audit, turn) =>
    audit.rowAsOf('counters', 1 + turn, daysAgo(365)),
  'history of a row (12 events in 36 months)': (audit, turn) =>
    audit.page({ table: 'orders', id: 3000 + turn }),
  'history of a row with 10,000 events, newest page': (audit, turn) =>
    audit.page({ table: 'counters', id: 1 + turn }),
  'blame of a row': (audit, turn) => audit.blame('orders', 4000 + turn),
  'history of a column': (audit, turn) => audit.columnHistory('orders', 5000 + turn, 'status'),
  'a row, compared over a year': (audit, turn) =>
    audit.compare('orders', 6000 + turn, daysAgo(370), daysAgo(5)),
  'the log, newest page': (audit) => audit.page(),
  'the log, a page in its middle': (audit, turn) => audit.page({ until: daysAgo(500 + turn) }),
  'the log since a day, oldest first': (audit, turn) =>
    audit.page({ since: daysAgo(500 + turn), order: 'asc' }),
  'a table, newest page': (audit) => audit.page({ table: 'counters' }),
  'a column of a table, newest page': (audit) => audit.page({ table: 'orders', column: 'total' }),
  'a user (5,000 events), newest page': (audit, turn) => audit.page({ user: `user-${turn}` }),
  'a user a year ago': (audit, turn) =>
    audit.page({ user: `user-${turn}`, until: daysAgo(365 + turn) }),
}
