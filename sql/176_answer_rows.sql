-- Rows that are too wide to be sent: a short query can make a text of a gigabyte in each.

CREATE OR REPLACE FUNCTION galcat_tap.refuse_row(row_bytes bigint, most_bytes bigint)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION 'a row of the answer has % bytes, % are the most: ask for less of it',
        to_char(row_bytes, 'FM999,999,999,999'), to_char(most_bytes, 'FM999,999,999,999')
        USING ERRCODE = '54000';
END
$$;
COMMENT ON FUNCTION galcat_tap.refuse_row IS 'Ends a query in whose answer a row is too wide; says how wide it is.';
