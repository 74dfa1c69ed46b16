import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '@auditrum/testkit'

const run = promisify(execFile)

/** An account of a server for objects, for programs of AWS. */
export interface ObjectStore {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** Ceph with its gateway for S3, which locks objects: on one node, in memory, for this machine alone. */
export async function startCeph(): Promise<ObjectStore> {
  const folder = mkdtempSync(join(tmpdir(), 'auditrum-ceph-'))
  for (const name of ['mon', 'osd', 'rgw']) mkdirSync(join(folder, name))
  const [monitor, gateway] = [await freePort(), await freePort()]
  const configuration = join(folder, 'ceph.conf')
  writeFileSync(
    configuration,
    `[global]
fsid = ${randomUUID()}
mon_initial_members = a
mon_host = v1:127.0.0.1:${monitor}
ms_bind_msgr2 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${folder}
admin_socket = ${folder}/$name.asok
log_file = ${folder}/$name.log
crash_dir = ${folder}
osd_pool_default_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
mon_data = ${folder}/mon
mon_data_avail_crit = 1
osd_data = ${folder}/osd
osd_objectstore = memstore
# what it would ask the monitor before it knows the cluster ends it
osd_crush_update_on_start = false
osd_class_update_on_start = false
rgw_data = ${folder}/rgw
rgw_frontends = beast endpoint=127.0.0.1:${gateway}
[osd]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
`,
  )
  const env = { ...process.env, CEPH_CONF: configuration }
  const ended: string[] = []
  // they end with this process, however it ends
  const daemon = (program: string, ...args: string[]) =>
    spawn('setpriv', ['--pdeathsig', 'KILL', program, '-f', ...args], {
      env,
      stdio: 'ignore',
    }).once('exit', (code) => ended.push(`${program} ended with ${code}`))
  await run('ceph-mon', ['-i', 'a', '--mkfs'], { env })
  daemon('ceph-mon', '-i', 'a')
  const id = randomUUID()
  await run('ceph', ['--connect-timeout', '60', 'osd', 'new', id], { env })
  await run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', id], { env })
  daemon('ceph-osd', '-i', '0')
  await run('ceph', ['osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=here'], { env })
  daemon('radosgw', '-n', 'client.rgw')
  const endpoint = `http://127.0.0.1:${gateway}`
  while (!(await fetch(endpoint).catch(() => undefined))) {
    if (ended.length > 0) throw new Error(`Ceph did not start: ${ended}.`)
    await sleep(100)
  }
  const account = { accessKeyId: 'shop', secretAccessKey: 'secret' }
  await run(
    'radosgw-admin',
    [
      'user',
      'create',
      '--uid=shop',
      '--display-name=Shop',
      '--access-key=shop',
      '--secret-key=secret',
    ],
    { env },
  )
  return { endpoint, ...account }
}
