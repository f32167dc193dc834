import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A blueprint is one row, with its versions beside it, as an agent is: a name is then one blueprint's in its project,
 * and whoever changes it has a row to lock. So far the table had a row for each version. No build has written one,
 * so older code beside this misses nothing; rows that somebody put in by hand are carried over, and where two of them
 * have one name the later is told apart by its id.
 *
 * What a version holds is kept as `json`: jsonb sorts what an object holds, and the arguments of a step would come back
 * in another order than their author gave them.
 */
export class KeepVersionsOfBlueprints1764177000000 implements MigrationInterface {
  name = 'KeepVersionsOfBlueprints1764177000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE blueprint_versions (
      blueprint_id   UUID NOT NULL,
      version        INT NOT NULL,
      content        JSON NOT NULL,
      comment        TEXT NOT NULL DEFAULT '',
      created_by     TEXT NOT NULL,
      created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
      PRIMARY KEY (blueprint_id, version)
    )`);
    await runner.query(`INSERT INTO blueprint_versions (blueprint_id, version, content, comment, created_by, created_at)
      SELECT id, version,
             json_build_object('name', name, 'description', '', 'inputs', '[]'::json, 'env', '[]'::json, 'steps', steps),
             comment, created_by, created_at
        FROM blueprints`);
    await runner.query(`DELETE FROM blueprints b USING blueprints newer
      WHERE newer.id = b.id AND newer.version > b.version`);
    await runner.query(`UPDATE blueprints b SET name = left(name, 60) || ' ' || id::text
      WHERE EXISTS (SELECT FROM blueprints o WHERE o.project_id = b.project_id AND o.name = b.name AND o.id < b.id)`);
    await runner.query(`ALTER TABLE blueprints DROP CONSTRAINT blueprints_pkey, DROP COLUMN steps, DROP COLUMN comment,
      ADD PRIMARY KEY (id), ADD CONSTRAINT blueprints_name_key UNIQUE (project_id, name)`);
    await runner.query(`ALTER TABLE blueprint_versions ADD CONSTRAINT blueprint_versions_blueprint_id_fkey
      FOREIGN KEY (blueprint_id) REFERENCES blueprints(id) ON DELETE CASCADE`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.');
  }
}
