-- The logo of an organization, for letters and reports. Its colours are among the settings. It is a small
-- PNG that was read as a whole before it was kept; whoever changes it changes the organization's version.
alter table organizations
  add column logo bytea check (octet_length(logo) between 1 and 262144),
  add column logo_sha256 text check (length(logo_sha256) = 71),
  add column logo_width integer check (logo_width between 1 and 3000),
  add column logo_height integer check (logo_height between 1 and 3000),
  add constraint organizations_logo check (num_nulls(logo, logo_sha256, logo_width, logo_height) in (0, 4));
