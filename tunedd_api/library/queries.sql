-- name: add_document(id, sha256, file, title, sample, created_at)!
INSERT INTO documents (id, sha256, file, title, sample, created_at)
VALUES (:id, :sha256, :file, :title, :sample, :created_at)
ON CONFLICT (sha256) DO NOTHING;

-- name: revive_document(id, file, title, created_at)!
UPDATE documents SET deleted_at = NULL, cleared_at = NULL, sample = FALSE, file = :file, title = :title, created_at = :created_at
WHERE id = :id AND deleted_at IS NOT NULL;

-- name: document_exists(id)$
SELECT 1 FROM documents WHERE id = :id AND deleted_at IS NULL;

-- name: sha256_of(id)$
SELECT sha256 FROM documents WHERE id = :id;

-- name: get_document(id, stamp)^
SELECT d.*, i.state, i.passages, i.error
FROM documents d LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = :stamp
WHERE d.id = :id AND d.deleted_at IS NULL;

-- name: documents_by_ids(ids, stamp)
SELECT d.*, i.state, i.passages, i.error
FROM documents d LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = :stamp
WHERE d.id IN (SELECT value FROM json_each(:ids)) AND d.deleted_at IS NULL;

-- name: list_documents(stamp, before, only, limit)
SELECT d.*, i.state, i.passages, i.error
FROM documents d LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = :stamp
WHERE d.deleted_at IS NULL
  AND (:only IS NULL OR d.id IN (SELECT value FROM json_each(:only)))
  AND (:before IS NULL
       OR (d.created_at, d.id) < (SELECT b.created_at, b.id FROM documents b WHERE b.id = :before))
ORDER BY d.created_at DESC, d.id DESC
LIMIT :limit;

-- name: document_states(stamp)
SELECT d.id, i.state
FROM documents d LEFT JOIN indexings i ON i.document_id = d.id AND i.stamp = :stamp
WHERE d.deleted_at IS NULL;

-- name: delete_document(id, deleted_at)!
UPDATE documents SET deleted_at = :deleted_at WHERE id = :id AND deleted_at IS NULL;

-- name: sample_documents()
SELECT id FROM documents WHERE sample AND deleted_at IS NULL;

-- name: is_deleted(id)$
SELECT 1 FROM documents WHERE id = :id AND deleted_at IS NOT NULL;

-- name: uncleared_documents()
SELECT id, sha256 FROM documents WHERE deleted_at IS NOT NULL AND cleared_at IS NULL;

-- name: mark_cleared(id, cleared_at)!
UPDATE documents SET cleared_at = :cleared_at WHERE id = :id AND deleted_at IS NOT NULL;

-- name: forget_document(id)!
DELETE FROM documents WHERE id = :id AND deleted_at IS NOT NULL;

-- name: delete_pages(document_id)!
DELETE FROM pages WHERE document_id = :document_id;

-- name: delete_indexings(document_id)!
DELETE FROM indexings WHERE document_id = :document_id;

-- name: queue_indexing(document_id, stamp, updated_at)!
INSERT INTO indexings (document_id, stamp, state, updated_at)
VALUES (:document_id, :stamp, 'queued', :updated_at)
ON CONFLICT (document_id, stamp) DO NOTHING;

-- name: queue_unindexed(stamp, updated_at)!
INSERT INTO indexings (document_id, stamp, state, updated_at)
SELECT d.id, :stamp, 'queued', :updated_at FROM documents d
WHERE d.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM indexings i WHERE i.document_id = d.id AND i.stamp = :stamp);

-- name: requeue_interrupted(stamp, updated_at)!
UPDATE indexings SET state = 'queued', passages = 0, updated_at = :updated_at
WHERE stamp = :stamp AND state IN ('reading', 'embedding');

-- name: claim_indexing(stamp, updated_at)^
UPDATE indexings SET state = 'reading', passages = 0, error = NULL, updated_at = :updated_at
WHERE stamp = :stamp AND document_id = (
    SELECT i.document_id FROM indexings i JOIN documents d ON d.id = i.document_id
    WHERE i.stamp = :stamp AND i.state = 'queued' AND d.deleted_at IS NULL
    ORDER BY d.created_at, d.id LIMIT 1)
RETURNING document_id;

-- name: set_metadata(id, title, authors, year, arxiv_id, pages)!
UPDATE documents
SET title = coalesce(:title, title), authors = :authors, year = :year, arxiv_id = :arxiv_id, pages = :pages
WHERE id = :id AND deleted_at IS NULL;

-- name: add_pages*!
INSERT INTO pages (document_id, number, text, positions) VALUES (:document_id, :number, :text, :positions);

-- name: set_state(document_id, stamp, state, passages, error, updated_at)!
UPDATE indexings SET state = :state, passages = :passages, error = :error, updated_at = :updated_at
WHERE document_id = :document_id AND stamp = :stamp;
