-- For what runs over all configurations of one kind, such as the inventories that are due.
CREATE INDEX bucket_configurations_by_kind ON bucket_configurations (kind);
