-- The tiles as observations: ObsCore 1.1, all its mandatory columns, NULL where nothing is known.
-- A chunk of a table of cutouts is no observation and has no row.

CREATE OR REPLACE VIEW ivoa.obscore AS
SELECT
    'image'::text AS dataproduct_type,
    3 AS calib_level, -- "enhanced": survey tiles are coadds, mosaicked and resampled (ObsCore 1.1, 3.3.2)
    v.name AS obs_collection,
    t.name AS obs_id,
    'ivo://galcat/tile?' || v.name || '/' || t.name AS obs_publisher_did,
    NULL::text AS access_url,
    NULL::text AS access_format,
    NULL::bigint AS access_estsize,
    NULL::text AS target_name,
    t.ra AS s_ra,
    t.dec AS s_dec,
    (SELECT 2 * max(galcat.sky_distance(t.ra, t.dec, t.footprint[2 * c.i - 1], t.footprint[2 * c.i]))
     FROM generate_series(1, cardinality(t.footprint) / 2) AS c (i)) AS s_fov,
    'POLYGON ICRS ' || array_to_string(t.footprint, ' ') AS s_region,
    NULL::double precision AS s_resolution,
    NULL::bigint AS s_xel1,
    NULL::bigint AS s_xel2,
    NULL::double precision AS t_min,
    NULL::double precision AS t_max,
    NULL::double precision AS t_exptime,
    NULL::double precision AS t_resolution,
    NULL::bigint AS t_xel,
    w.em_min,
    w.em_max,
    NULL::double precision AS em_res_power,
    NULL::bigint AS em_xel,
    CASE WHEN w.em_min IS NULL THEN 'phot.flux' ELSE 'phot.flux;em.opt' END AS o_ucd,
    NULL::text AS pol_states,
    NULL::bigint AS pol_xel,
    NULL::text AS facility_name,
    NULL::text AS instrument_name
FROM galcat.tile AS t
JOIN galcat.survey AS v ON v.survey_id = t.survey_id
JOIN galcat.ingestion AS i ON i.tile_id = t.tile_id
    AND i.release_id = (SELECT c.release_id FROM galcat.current_release AS c)
CROSS JOIN LATERAL (
    -- Where the filters of DECam and SDSS let light through, in metres; a survey with other bands has no limits.
    SELECT CASE WHEN count(*) = count(f.low) THEN min(f.low) END AS em_min,
        CASE WHEN count(*) = count(f.high) THEN max(f.high) END AS em_max
    FROM unnest(v.bands) AS b (band)
    LEFT JOIN (VALUES ('g', 4.0e-7::double precision, 5.5e-7::double precision), ('r', 5.6e-7, 7.2e-7),
        ('i', 7.0e-7, 8.6e-7), ('z', 8.3e-7, 1.0e-6)) AS f (band, low, high) ON f.band = b.band) AS w
WHERE i.state = 'done' AND t.footprint <> '{}';
ALTER VIEW ivoa.obscore OWNER TO galcat_owner;

COMMENT ON VIEW ivoa.obscore IS 'The tiles of the current release as observations (ObsCore 1.1)';
COMMENT ON COLUMN ivoa.obscore.dataproduct_type IS 'Kind of the data: image [-]';
COMMENT ON COLUMN ivoa.obscore.calib_level IS 'Calibration level: 3, combined from several exposures [-]';
COMMENT ON COLUMN ivoa.obscore.obs_collection IS 'Name of the survey [-]';
COMMENT ON COLUMN ivoa.obscore.obs_id IS 'Name of the tile [-]';
COMMENT ON COLUMN ivoa.obscore.obs_publisher_did IS 'Identifier of the tile here [-]';
COMMENT ON COLUMN ivoa.obscore.access_url IS 'Where the data can be had; NULL, they are with the survey [-]';
COMMENT ON COLUMN ivoa.obscore.access_format IS 'Media type of the data; NULL, as access_url [-]';
COMMENT ON COLUMN ivoa.obscore.access_estsize IS 'Size of the data; NULL, as access_url [kbyte]';
COMMENT ON COLUMN ivoa.obscore.target_name IS 'What was observed; NULL, tiles have no target [-]';
COMMENT ON COLUMN ivoa.obscore.s_ra IS 'Right ascension of the centre, ICRS [deg]';
COMMENT ON COLUMN ivoa.obscore.s_dec IS 'Declination of the centre, ICRS [deg]';
COMMENT ON COLUMN ivoa.obscore.s_fov IS 'Diameter of the circle about the centre that holds the tile [deg]';
COMMENT ON COLUMN ivoa.obscore.s_region IS 'Outline of the tile: POLYGON ICRS and its corners in degrees [-]';
COMMENT ON COLUMN ivoa.obscore.s_resolution IS 'Resolution on the sky; NULL, not known [arcsec]';
COMMENT ON COLUMN ivoa.obscore.s_xel1 IS 'Pixels along the first axis; NULL, not known [-]';
COMMENT ON COLUMN ivoa.obscore.s_xel2 IS 'Pixels along the second axis; NULL, not known [-]';
COMMENT ON COLUMN ivoa.obscore.t_min IS 'Begin of the observation, MJD; NULL, not known [d]';
COMMENT ON COLUMN ivoa.obscore.t_max IS 'End of the observation, MJD; NULL, not known [d]';
COMMENT ON COLUMN ivoa.obscore.t_exptime IS 'Exposure time; NULL, not known [s]';
COMMENT ON COLUMN ivoa.obscore.t_resolution IS 'Resolution in time; NULL, not known [s]';
COMMENT ON COLUMN ivoa.obscore.t_xel IS 'Elements along the time axis; NULL, there is none [-]';
COMMENT ON COLUMN ivoa.obscore.em_min IS 'Shortest wavelength of its filters; NULL where a band is not g, r, i or z [m]';
COMMENT ON COLUMN ivoa.obscore.em_max IS 'Longest wavelength of its filters; NULL where a band is not g, r, i or z [m]';
COMMENT ON COLUMN ivoa.obscore.em_res_power IS 'Spectral resolving power; NULL, not known [-]';
COMMENT ON COLUMN ivoa.obscore.em_xel IS 'Elements along the spectral axis; NULL, there is none [-]';
COMMENT ON COLUMN ivoa.obscore.o_ucd IS 'UCD of what the pixels measure [-]';
COMMENT ON COLUMN ivoa.obscore.pol_states IS 'Polarisation states; NULL, not known [-]';
COMMENT ON COLUMN ivoa.obscore.pol_xel IS 'Number of polarisation states; NULL, there is no such axis [-]';
COMMENT ON COLUMN ivoa.obscore.facility_name IS 'Telescope; NULL, not known [-]';
COMMENT ON COLUMN ivoa.obscore.instrument_name IS 'Instrument; NULL, not known [-]';

-- Utypes, UCDs and units: ObsCore 1.1, table 6, with erratum 1.
DELETE FROM galcat_tap.column_note WHERE table_name = 'ivoa.obscore';
INSERT INTO galcat_tap.column_note (table_name, column_name, ucd, utype, is_principal, xtype)
SELECT 'ivoa.obscore', n.column_name, n.ucd, 'obscore:' || n.utype, n.is_principal,
    CASE n.column_name WHEN 's_region' THEN 'adql:REGION' END
FROM (VALUES
    ('dataproduct_type', 'meta.code.class', 'ObsDataset.dataProductType', true),
    ('calib_level', 'meta.code;obs.calib', 'ObsDataset.calibLevel', true),
    ('obs_collection', 'meta.id', 'DataID.Collection', true),
    ('obs_id', 'meta.id', 'DataID.observationID', true),
    ('obs_publisher_did', 'meta.ref.ivoid', 'Curation.PublisherDID', true),
    ('access_url', 'meta.ref.url', 'Access.Reference', true),
    ('access_format', 'meta.code.mime', 'Access.Format', true),
    ('access_estsize', 'phys.size;meta.file', 'Access.Size', true),
    ('target_name', 'meta.id;src', 'Target.Name', true),
    ('s_ra', 'pos.eq.ra', 'Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C1', true),
    ('s_dec', 'pos.eq.dec', 'Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C2', true),
    ('s_fov', 'phys.angSize;instr.fov', 'Char.SpatialAxis.Coverage.Bounds.Extent.diameter', true),
    ('s_region', 'pos.outline;obs.field', 'Char.SpatialAxis.Coverage.Support.Area', true),
    ('s_resolution', 'pos.angResolution', 'Char.SpatialAxis.Resolution.Refval.value', true),
    ('s_xel1', 'meta.number', 'Char.SpatialAxis.numBins1', false),
    ('s_xel2', 'meta.number', 'Char.SpatialAxis.numBins2', false),
    ('t_min', 'time.start;obs.exposure', 'Char.TimeAxis.Coverage.Bounds.Limits.StartTime', true),
    ('t_max', 'time.end;obs.exposure', 'Char.TimeAxis.Coverage.Bounds.Limits.StopTime', true),
    ('t_exptime', 'time.duration;obs.exposure', 'Char.TimeAxis.Coverage.Support.Extent', true),
    ('t_resolution', 'time.resolution', 'Char.TimeAxis.Resolution.Refval.value', true),
    ('t_xel', 'meta.number', 'Char.TimeAxis.numBins', false),
    ('em_min', 'em.wl;stat.min', 'Char.SpectralAxis.Coverage.Bounds.Limits.LoLimit', true),
    ('em_max', 'em.wl;stat.max', 'Char.SpectralAxis.Coverage.Bounds.Limits.HiLimit', true),
    ('em_res_power', 'spect.resolution', 'Char.SpectralAxis.Resolution.ResolPower.refVal', true),
    ('em_xel', 'meta.number', 'Char.SpectralAxis.numBins', false),
    ('o_ucd', 'meta.ucd', 'Char.ObservableAxis.ucd', true),
    ('pol_states', 'meta.code;phys.polarization', 'Char.PolarizationAxis.stateList', true),
    ('pol_xel', 'meta.number', 'Char.PolarizationAxis.numBins', false),
    ('facility_name', 'meta.id;instr.tel', 'Provenance.ObsConfig.facility.name', true),
    ('instrument_name', 'meta.id;instr', 'Provenance.ObsConfig.instrument.name', true)
) AS n (column_name, ucd, utype, is_principal);
