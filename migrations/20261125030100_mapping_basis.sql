-- A mapping of products may say which seats of the product are counted. Mappings do not change what they
-- say, so this holds for all states of one.
alter table mappings
  add column basis text check (basis in ('purchased', 'assigned', 'active')),
  add constraint mappings_basis check (basis is null or side = 'product');
