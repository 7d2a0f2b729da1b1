-- Which instalment a letter reminds of, so that each has a newest letter of its own.
alter table letters add column instalment integer generated always as (
  case when facts #>> '{reminder,instalment,number}' ~ '^[0-9]{1,5}$'
       then (facts #>> '{reminder,instalment,number}')::integer end
) stored;
