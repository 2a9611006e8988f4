"""Valid queries with what each dialect has of its own, and the catalogs they are read by."""

from syncd.domain.schema import Column
from syncd.engines.metadata.checks.catalog import Catalog, Unit
from tests.engines.metadata.checks.queries import Query
from tests.engines.metadata.folding.warehouses import columns, ga4_columns, record, records


def duckdb_catalog() -> Catalog:
    orders = Unit(
        "main.orders",
        (
            *columns("id:BIGINT customer_id:BIGINT ordered_at:TIMESTAMP status:VARCHAR total:DECIMAL(10,2) note:VARCHAR payload:JSON"),
            record("address", *columns("city:VARCHAR street:VARCHAR")),
            records("lines", *columns("sku:VARCHAR pieces:INTEGER")),
            Column("tags", "VARCHAR", repeated=True),
            Column("extra", "MAP(VARCHAR, VARCHAR)"),
        ),
    )
    customers = Unit("main.customers", columns("id:BIGINT name:VARCHAR Country:VARCHAR"))
    events = Unit("main.events_2*", ga4_columns(), "main.events_", (("20250101", "20250301"),), events=True)
    return Catalog("duckdb", {unit.name: unit for unit in (customers, events, orders)})


def oracle_catalog() -> Catalog:
    employees = Unit(
        "HR.EMPLOYEES", columns("EMPLOYEE_ID:NUMBER MANAGER_ID:NUMBER DEPARTMENT_ID:NUMBER LAST_NAME:VARCHAR2 SALARY:NUMBER HIRED:DATE")
    )
    departments = Unit("HR.DEPARTMENTS", columns("DEPARTMENT_ID:NUMBER NAME:VARCHAR2 mixedCase:VARCHAR2"))
    return Catalog("oracle", {unit.name: unit for unit in (departments, employees)})


DUCKDB = (
    Query("from first", "FROM orders SELECT status, count(*) AS n GROUP BY ALL ORDER BY n DESC"),
    Query("no select", "FROM main.orders WHERE total > 10 LIMIT 5"),
    Query("struct, list and map", "SELECT o.address.city, lines[1].sku, extra['a'], tags[1], payload->>'$.a' FROM orders AS o LIMIT 3"),
    Query("unnest", "SELECT u.line.sku, sum(u.line.pieces) AS n FROM orders o, UNNEST(o.lines) AS u(line) GROUP BY 1"),
    Query(
        "lambda",
        "SELECT list_transform(tags, lambda t: upper(t)) AS t, list_filter(tags, lambda x, i: x <> 'a' AND i > 1) AS f FROM orders LIMIT 3",
    ),
    Query("comprehension", "SELECT [lower(t) FOR t IN tags IF t IS NOT NULL] AS small FROM orders LIMIT 3"),
    Query("alias in where", "SELECT total * 2 AS twice FROM orders WHERE twice > 5 LIMIT 3"),
    Query(
        "using",
        "SELECT name, total FROM customers c JOIN orders o ON c.id = o.customer_id "
        "JOIN (SELECT customer_id FROM orders) p USING (customer_id) LIMIT 9",
    ),
    Query("shards", "SELECT event_date, count(*) AS n FROM query_table(['events_20250101', 'events_20250102'], true) GROUP BY event_date"),
    Query("struct literal", "SELECT {'a': id, 'b': total} AS pair, ordered_at::DATE AS day, INTERVAL 1 DAY AS d FROM orders LIMIT 1"),
    Query(
        "window",
        "SELECT id, sum(total) OVER w AS s FROM orders WINDOW w AS (PARTITION BY status ORDER BY ordered_at) QUALIFY s > 3 LIMIT 4",
    ),
    Query("distinct from", "SELECT count(*) AS n FROM orders WHERE status IS DISTINCT FROM note AND status IS NOT DISTINCT FROM 'x'"),
    Query("except", "SELECT id FROM orders EXCEPT SELECT id FROM customers ORDER BY id LIMIT 4"),
    Query("exclude", "SELECT * EXCLUDE (note) REPLACE (upper(status) AS status) FROM orders LIMIT 4"),
    Query("series", "SELECT day, count(o.id) AS n FROM generate_series(1, 3) AS s(day) LEFT JOIN orders o ON o.id = s.day GROUP BY day"),
    Query("values", "SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, 'y')) AS v(a, b)"),
    Query("recursive", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n LIMIT 10"),
    Query(
        "filter",
        "SELECT count(*) FILTER (WHERE status = 'paid') AS paid, date_trunc('month', ordered_at) AS month FROM orders GROUP BY month",
    ),
    Query("extract", "SELECT EXTRACT(year FROM ordered_at) AS y, max(total) AS m FROM orders GROUP BY y HAVING m > 3"),
    Query(
        "exists", "SELECT c.name FROM customers AS c WHERE EXISTS (FROM orders AS o WHERE o.customer_id = c.id AND country = 'KR') LIMIT 5"
    ),
    Query("pivot", "SELECT * FROM (SELECT status, total FROM orders) PIVOT (sum(total) FOR status IN ('a', 'b')) LIMIT 5"),
    Query("columns", "SELECT COLUMNS('t.*') FROM orders LIMIT 5"),
    Query("prefix alias", "SELECT twice: total * 2 FROM orders LIMIT 5"),
    Query("parenthesised", "(SELECT id FROM orders) UNION ALL (SELECT id FROM customers) ORDER BY id LIMIT 3"),
    Query("qualified by schema", "SELECT main.orders.id, orders.total FROM main.orders LIMIT 3"),
    Query("case of names", 'SELECT "country", NAME FROM Customers LIMIT 3'),
    Query("chained", "SELECT note.upper().trim() AS n FROM orders LIMIT 3"),
)

ORACLE = (
    Query(
        "folded",
        "SELECT e.last_name, d.name FROM hr.employees e, departments d WHERE e.department_id = d.department_id(+) FETCH FIRST 5 ROWS ONLY",
    ),
    Query("quoted", """SELECT "mixedCase", "NAME" FROM hr.departments WHERE ROWNUM <= 10"""),
    Query("dual", "SELECT SYSDATE FROM dual"),
    Query(
        "tree",
        "SELECT LEVEL, last_name FROM hr.employees START WITH manager_id IS NULL CONNECT BY PRIOR employee_id = "
        "manager_id ORDER SIBLINGS BY last_name",
    ),
    Query(
        "listagg",
        "SELECT department_id, LISTAGG(last_name, q'[, ]') WITHIN GROUP (ORDER BY hired) AS names FROM hr.employees GROUP BY department_id",
    ),
    Query("keep", "SELECT MAX(salary) KEEP (DENSE_RANK FIRST ORDER BY hired) AS first_salary FROM hr.employees"),
    Query("minus", "SELECT department_id FROM hr.departments MINUS SELECT department_id FROM hr.employees"),
    Query("extract", "SELECT EXTRACT(YEAR FROM hired) AS y, COUNT(*) AS n FROM hr.employees GROUP BY EXTRACT(YEAR FROM hired)"),
    Query(
        "trunc",
        "SELECT TRUNC(hired, 'MM') AS m, COUNT(*) AS n FROM hr.employees WHERE hired >= DATE '2025-01-01' - INTERVAL "
        "'1' MONTH GROUP BY TRUNC(hired, 'MM')",
    ),
)

BIGQUERY = (
    Query(
        "struct of types",
        "SELECT STRUCT<a INT64, b ARRAY<STRING>>(1, ['x']) AS s, CAST(event_timestamp AS FLOAT64) AS f FROM "
        "`analytics.events_20250101` LIMIT 1",
    ),
    Query("dates of an array", "SELECT day FROM UNNEST(GENERATE_DATE_ARRAY('2025-01-01', '2025-01-31', INTERVAL 1 DAY)) AS day"),
    Query("with offset", "SELECT p.key, place FROM `analytics.events_20250101`, UNNEST(event_params) AS p WITH OFFSET AS place LIMIT 5"),
    Query("list in FROM", "SELECT e.event_name, i.item_id FROM `analytics.events_20250101` AS e, e.items AS i LIMIT 5"),
    Query("left join of a list", "SELECT i.item_id FROM `analytics.events_20250101` AS e LEFT JOIN UNNEST(e.items) AS i LIMIT 5"),
    Query("element", "SELECT items[SAFE_OFFSET(0)].item_name AS first_item FROM `analytics.events_20250101` LIMIT 5"),
    Query("dashes", "SELECT geo.city FROM shop-prod.analytics.events_20250101 LIMIT 5"),
    Query("parts quoted", "SELECT geo.city FROM `shop-prod`.analytics.`events_20250101` LIMIT 5"),
    Query(
        "named window",
        "SELECT event_name, LAG(event_name) OVER turns AS before FROM `analytics.events_20250101` WINDOW turns AS "
        "(PARTITION BY user_pseudo_id ORDER BY event_timestamp) LIMIT 5",
    ),
    Query(
        "array of struct",
        "SELECT user_pseudo_id, ARRAY_AGG(STRUCT(event_name AS name, event_timestamp AS moment) ORDER BY event_timestamp "
        "LIMIT 3) AS steps FROM `analytics.events_20250101` GROUP BY user_pseudo_id",
    ),
    Query(
        "taken apart again",
        "WITH a AS (SELECT ARRAY_AGG(event_name IGNORE NULLS) AS names FROM `analytics.events_20250101`) SELECT n FROM "
        "a, UNNEST(names) AS n LIMIT 3",
    ),
    Query(
        "except columns",
        "WITH a AS (SELECT event_name, event_date FROM `analytics.events_20250101`) SELECT * EXCEPT (event_date) FROM a LIMIT 3",
    ),
    Query(
        "safe prefix",
        "SELECT SAFE.PARSE_DATE('%Y%m%d', event_date) AS d, NET.HOST(device.web_info.hostname) AS h FROM "
        "`analytics.events_20250101` LIMIT 3",
    ),
    Query(
        "correlated",
        "SELECT event_name FROM `analytics.events_20250101` AS e WHERE event_timestamp = (SELECT "
        "MAX(o.event_timestamp) FROM `analytics.events_20250102` AS o WHERE o.user_pseudo_id = e.user_pseudo_id) LIMIT "
        "3",
    ),
    Query(
        "qualify",
        "SELECT event_name, user_pseudo_id FROM `analytics.events_20250101` WHERE TRUE QUALIFY ROW_NUMBER() OVER "
        "(PARTITION BY user_pseudo_id ORDER BY event_timestamp DESC) = 1 LIMIT 3",
    ),
    Query(
        "keyword and an aggregate",
        "SELECT CURRENT_DATE AS today, COUNT(*) AS n, COUNT(*) OVER () AS m FROM `analytics.events_20250101`",
    ),
    Query(
        "pivot",
        "SELECT * FROM (SELECT event_name, platform FROM `analytics.events_20250101`) PIVOT (COUNT(*) FOR event_name "
        "IN ('a', 'b')) LIMIT 3",
    ),
    Query("case", "SELECT CASE WHEN EVENT_NAME = 'x' THEN 1 ELSE 0 END AS X FROM `analytics.events_20250101` LIMIT 3"),
)
