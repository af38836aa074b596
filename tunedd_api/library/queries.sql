-- name: add_document(id, sha256, file, title, sample, created_at)!
INSERT INTO documents (id, sha256, file, title, sample, created_at)
VALUES (:id, :sha256, :file, :title, :sample, :created_at)
ON CONFLICT (sha256) DO NOTHING;

-- name: revive_document(id, file, title, created_at)!
UPDATE documents
SET deleted_at = NULL, cleared_at = NULL, sample = FALSE, described = FALSE,
    file = :file, title = :title, created_at = :created_at
WHERE id = :id AND deleted_at IS NOT NULL;

-- name: adopt_document(id, file)!
UPDATE documents SET sample = FALSE, file = :file WHERE id = :id AND sample;

-- name: document_exists(id)$
SELECT 1 FROM documents WHERE id = :id AND deleted_at IS NULL;

-- name: sha256_of(id)$
SELECT sha256 FROM documents WHERE id = :id;

-- name: get_document(id)^
SELECT d.*, i.state, i.passages, i.total, i.error, n.state AS reindexing, n.error AS reindexing_error
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
LEFT JOIN indexings n ON n.document_id = d.id AND n.stamp = (SELECT stamp FROM indexes WHERE NOT serving)
WHERE d.id = :id AND d.deleted_at IS NULL;

-- name: documents_by_ids(ids)
SELECT d.*, i.state, i.passages, i.total, i.error, n.state AS reindexing, n.error AS reindexing_error
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
LEFT JOIN indexings n ON n.document_id = d.id AND n.stamp = (SELECT stamp FROM indexes WHERE NOT serving)
WHERE d.id IN (SELECT value FROM json_each(:ids)) AND d.deleted_at IS NULL;

-- name: document_of_arxiv(arxiv_id)^
SELECT d.*, i.state, i.passages, i.total, i.error, n.state AS reindexing, n.error AS reindexing_error
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
LEFT JOIN indexings n ON n.document_id = d.id AND n.stamp = (SELECT stamp FROM indexes WHERE NOT serving)
WHERE d.arxiv_id = :arxiv_id AND d.described AND d.deleted_at IS NULL
ORDER BY d.created_at LIMIT 1;

-- name: list_documents(before, only, limit)
SELECT d.*, i.state, i.passages, i.total, i.error, n.state AS reindexing, n.error AS reindexing_error
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
LEFT JOIN indexings n ON n.document_id = d.id AND n.stamp = (SELECT stamp FROM indexes WHERE NOT serving)
WHERE d.deleted_at IS NULL
  AND (:only IS NULL OR d.id IN (SELECT value FROM json_each(:only)))
  AND (:before IS NULL
       OR (d.created_at, d.id) < (SELECT b.created_at, b.id FROM documents b WHERE b.id = :before))
ORDER BY d.created_at DESC, d.id DESC
LIMIT :limit;

-- name: document_states()
SELECT d.id, i.state
FROM documents d
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving)
WHERE d.deleted_at IS NULL;

-- name: count_by_state()
SELECT x.serving, coalesce(i.state, 'queued') AS state, count(*) AS documents,
    CAST(coalesce(sum(i.passages), 0) AS BIGINT) AS passages
FROM documents d CROSS JOIN indexes x
LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = x.stamp
WHERE d.deleted_at IS NULL
GROUP BY x.serving, coalesce(i.state, 'queued');

-- name: count_unready()^
SELECT count(*) AS documents, count(*) - count(i.state) AS unready
FROM documents d
LEFT JOIN indexings i
    ON i.document_id = d.id AND i.stamp = (SELECT stamp FROM indexes WHERE serving) AND i.state = 'ready'
WHERE d.deleted_at IS NULL;

-- name: delete_document(id, deleted_at, forgotten)!
UPDATE documents SET deleted_at = :deleted_at, forgotten = :forgotten WHERE id = :id AND deleted_at IS NULL;

-- name: sample_documents()
SELECT id FROM documents WHERE sample AND deleted_at IS NULL;

-- name: is_deleted(id)$
SELECT 1 FROM documents WHERE id = :id AND deleted_at IS NOT NULL;

-- name: removed_sha256()
SELECT sha256 FROM documents WHERE deleted_at IS NOT NULL;

-- name: uncleared_documents()
SELECT id, sha256, forgotten FROM documents WHERE deleted_at IS NOT NULL AND cleared_at IS NULL;

-- name: mark_cleared(id, cleared_at)!
UPDATE documents SET cleared_at = :cleared_at WHERE id = :id AND deleted_at IS NOT NULL;

-- name: forget_document(id)!
DELETE FROM documents WHERE id = :id AND deleted_at IS NOT NULL;

-- name: delete_pages(document_id)!
DELETE FROM pages WHERE document_id = :document_id;

-- name: delete_indexings(document_id)!
DELETE FROM indexings WHERE document_id = :document_id;

-- name: note_request(id)!
UPDATE documents SET requested = TRUE WHERE id = :id;

-- name: is_requested(id)$
SELECT 1 FROM documents WHERE id = :id AND requested;

-- name: describe_document(id, title, authors, year, arxiv_id, categories)!
UPDATE documents
SET title = :title, authors = :authors, year = :year, arxiv_id = :arxiv_id, categories = :categories,
    described = TRUE
WHERE id = :id AND deleted_at IS NULL;

-- name: set_metadata(id, title, authors, year, arxiv_id)!
UPDATE documents
SET title = coalesce(:title, title), authors = :authors, year = :year, arxiv_id = :arxiv_id
WHERE id = :id AND NOT described;

-- name: set_pages(id, pages)!
UPDATE documents SET pages = :pages WHERE id = :id;

-- name: add_pages*!
INSERT INTO pages (document_id, number, text, positions) VALUES (:document_id, :number, :text, :positions);

-- name: queue_indexing(document_id, updated_at)!
INSERT INTO indexings (document_id, stamp, state, updated_at)
SELECT :document_id, x.stamp, 'queued', :updated_at FROM indexes x WHERE TRUE
ON CONFLICT (document_id, stamp) DO NOTHING;

-- name: queue_unindexed(updated_at)!
INSERT INTO indexings (document_id, stamp, state, updated_at)
SELECT d.id, x.stamp, 'queued', :updated_at FROM documents d CROSS JOIN indexes x
WHERE d.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM indexings i WHERE i.document_id = d.id AND i.stamp = x.stamp)
ON CONFLICT (document_id, stamp) DO NOTHING;

-- name: claim_indexing(stamps, token, now, until, longest, updated_at)^
-- A lease that ends later than any could is from before the clock was set back.
UPDATE indexings
SET state = 'reading', passages = 0, total = NULL, error = NULL, attempts = attempts + 1,
    claim = :token, leased_until = :until, updated_at = :updated_at
WHERE (document_id, stamp) = (
    SELECT i.document_id, i.stamp
    FROM indexings i JOIN documents d ON d.id = i.document_id JOIN indexes x ON x.stamp = i.stamp
    WHERE d.deleted_at IS NULL AND i.stamp IN (SELECT value FROM json_each(:stamps))
      AND (i.state = 'queued'
           OR (i.state IN ('reading', 'embedding') AND NOT i.leased_until BETWEEN :now AND :longest))
    ORDER BY x.serving DESC, i.attempts, d.created_at, d.id LIMIT 1)
RETURNING document_id, stamp, attempts;

-- name: count_waiting(stamps, now, longest)$
SELECT count(*) FROM indexings i JOIN documents d ON d.id = i.document_id
WHERE d.deleted_at IS NULL AND i.stamp IN (SELECT value FROM json_each(:stamps))
  AND (i.state = 'queued'
       OR (i.state IN ('reading', 'embedding') AND NOT i.leased_until BETWEEN :now AND :longest));

-- name: held_claims(tokens)
SELECT claim FROM indexings
WHERE claim IN (SELECT value FROM json_each(:tokens)) AND state IN ('reading', 'embedding');

-- name: renew_claims(tokens, until)!
UPDATE indexings SET leased_until = :until WHERE claim IN (SELECT value FROM json_each(:tokens));

-- name: release_claim(token, updated_at)!
UPDATE indexings
SET state = 'queued', passages = 0, attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END,
    claim = NULL, leased_until = NULL, updated_at = :updated_at
WHERE claim = :token;

-- name: requeue_interrupted(updated_at)!
UPDATE indexings
SET state = 'queued', passages = 0, claim = NULL, leased_until = NULL, updated_at = :updated_at
WHERE state IN ('reading', 'embedding');

-- name: begin_embedding(token, total, updated_at)!
UPDATE indexings SET state = 'embedding', total = :total, updated_at = :updated_at WHERE claim = :token;

-- name: set_progress(token, passages, updated_at)!
UPDATE indexings SET passages = :passages, attempts = 0, updated_at = :updated_at WHERE claim = :token;

-- name: end_indexing(token, state, passages, error, reader, updated_at)!
UPDATE indexings
SET state = :state, passages = :passages, error = :error, reader = :reader, attempts = 0,
    claim = NULL, leased_until = NULL, updated_at = :updated_at
WHERE claim = :token;

-- name: retry_indexing(document_id, updated_at)!
UPDATE indexings SET state = 'queued', error = NULL, attempts = 0, updated_at = :updated_at
WHERE document_id = :document_id AND state = 'failed';

-- name: retry_outdated(reader, updated_at)!
UPDATE indexings SET state = 'queued', error = NULL, attempts = 0, updated_at = :updated_at
WHERE state = 'failed' AND reader <> :reader;

-- name: cancel_indexing(document_id, reason, updated_at)!
UPDATE indexings
SET state = 'failed', error = :reason, passages = 0, reader = NULL, claim = NULL, leased_until = NULL,
    updated_at = :updated_at
WHERE document_id = :document_id AND state IN ('queued', 'reading', 'embedding');

-- name: queue_again(document_id, stamp, updated_at)!
UPDATE indexings
SET state = 'queued', passages = 0, error = NULL, attempts = 0, claim = NULL, updated_at = :updated_at
WHERE document_id = :document_id AND stamp = :stamp;

-- name: ready_passages(stamp)
SELECT i.document_id, i.passages FROM indexings i JOIN documents d ON d.id = i.document_id
WHERE i.stamp = :stamp AND i.state = 'ready' AND d.deleted_at IS NULL;

-- name: count_states(stamp)
SELECT i.state, count(*) AS documents FROM indexings i JOIN documents d ON d.id = i.document_id
WHERE i.stamp = :stamp AND d.deleted_at IS NULL GROUP BY i.state;

-- name: count_ahead(id)$
SELECT count(*)
FROM indexings i JOIN documents d ON d.id = i.document_id JOIN indexings mine ON mine.stamp = i.stamp
JOIN documents me ON me.id = mine.document_id
WHERE mine.document_id = :id AND mine.state = 'queued'
  AND mine.stamp = (SELECT stamp FROM indexes WHERE serving)
  AND i.document_id <> :id AND d.deleted_at IS NULL
  AND (i.state IN ('reading', 'embedding')
       OR (i.state = 'queued'
           AND (i.attempts, d.created_at, d.id) < (mine.attempts, me.created_at, me.id)));

-- name: all_indexes()
SELECT * FROM indexes ORDER BY serving DESC;

-- name: lost_documents(serving, building)
SELECT old.document_id
FROM indexings old JOIN indexings new ON new.document_id = old.document_id
WHERE old.stamp = :serving AND old.state = 'ready' AND new.stamp = :building AND new.state = 'failed'
ORDER BY old.document_id;

-- name: lacks_documents(stamp)$
SELECT 1 FROM documents d
WHERE d.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM indexings i WHERE i.document_id = d.id AND i.stamp = :stamp)
LIMIT 1;

-- name: add_index(stamp, embedder, dimension, cut, model, place, serving, created_at)!
INSERT INTO indexes (stamp, embedder, dimension, cut, model, place, serving, created_at)
VALUES (:stamp, :embedder, :dimension, :cut, :model, :place, :serving, :created_at);

-- name: adopt_index(stamp, embedder, model)!
UPDATE indexes SET embedder = :embedder, model = :model WHERE stamp = :stamp;

-- name: retire_index()!
DELETE FROM indexes WHERE serving;

-- name: serve_index(stamp)!
UPDATE indexes SET serving = TRUE WHERE stamp = :stamp;

-- name: drop_index(stamp)!
DELETE FROM indexes WHERE stamp = :stamp AND NOT serving;

-- name: drop_stale_indexings()!
DELETE FROM indexings WHERE stamp NOT IN (SELECT stamp FROM indexes);

-- name: known_files()
SELECT path, state, document_id, replaces FROM folder_files;

-- name: note_file(path, state, document_id, replaces)!
INSERT INTO folder_files (path, state, document_id, replaces) VALUES (:path, :state, :document_id, :replaces)
ON CONFLICT (path) DO UPDATE
SET state = excluded.state, document_id = excluded.document_id, replaces = excluded.replaces;

-- name: forget_file(path)!
DELETE FROM folder_files WHERE path = :path;
