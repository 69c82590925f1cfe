-- Wrong console sign-ins by the minute in which they were tried. scope: a digest of the user or client they count for.
CREATE TABLE failed_sign_ins (
    scope TEXT NOT NULL,
    minute INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (scope, minute)
);
CREATE INDEX failed_sign_ins_by_minute ON failed_sign_ins (minute);
